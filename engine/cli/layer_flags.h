#pragma once

#include <CLI/CLI.hpp>

#include "engine/run/layers/layer_keys.h"

namespace kiln {

/// Which layers of earlier builds a build may use.
struct LayerFlags {
  LayerPolicy policy;

  void add_to(CLI::App& command);
};

/// `--cache-limit`, of all layers; the environment gives it too.
void add_cache_limit(CLI::App& command, std::uint64_t& bytes);

}  // namespace kiln
