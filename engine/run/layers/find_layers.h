#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/run/layers/layer_keys.h"
#include "engine/run/layers/layer_store.h"

namespace kiln {

/// A layer that serves a build, and the steps that it stands for.
struct ServingLayer {
  Layer layer;
  std::size_t first = 0;
  std::size_t end = 0;
};

/// The deepest layer that fits a build, with those below it in the order in which they were made.
struct FoundLayers {
  std::vector<ServingLayer> steps;
  std::optional<Layer> finished;  ///< nothing is left to do but to distribute

  [[nodiscard]] std::size_t steps_done() const { return steps.empty() ? 0 : steps.back().end; }
  [[nodiscard]] const Layer* deepest() const {
    if (finished) return &*finished;
    return steps.empty() ? nullptr : &steps.back().layer;
  }
};

/// @param source what source_key gives
/// @param reusable what reusable_steps gives
FoundLayers find_layers(const LayerStore& store,
                        const Plan& plan,
                        const std::string& source,
                        std::size_t reusable,
                        const InputDigest& digest);

}  // namespace kiln
