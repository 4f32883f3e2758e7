#pragma once

#include <functional>
#include <optional>
#include <string>

#include "engine/plan/plan.h"

namespace kiln {

/// What the user chose about layers.
struct LayerPolicy {
  bool enabled = true;   ///< false: none is used, and none is made
  bool network = false;  ///< reuse what steps made that could reach the network
  std::string from;      ///< id, number or name of the first step that is not reused; `generalize`
  std::uint64_t limit = 20 * kGiB;  ///< bytes of all layers of this state folder
};

/// SHA-256 of the file behind an input; nothing where that is not known without fetching it.
using InputDigest = std::function<std::optional<std::string>(const StepInput& input)>;

/// What all layers of a build have in common, and what lies below the first.
/// @param contents digest of the source's contents
/// @param media what media_contents gives; empty where there are no offline media
std::string source_key(const Plan& plan,
                       const std::string& contents,
                       const std::string& media = {});
/// The key of a layer that some steps make over what `below` names: a layer's id, or a source_key.
/// Nothing where an input's digest is not known.
std::optional<std::string> steps_key(const std::string& below,
                                     const Plan& plan,
                                     std::size_t first,
                                     std::size_t end,
                                     const InputDigest& digest);
/// The same for the finished disk: the steps from `first` on, and generalize.
std::optional<std::string> finished_key(const std::string& below,
                                        const Plan& plan,
                                        std::size_t first,
                                        const InputDigest& digest);

/// How many steps, from the first on, may come from layers; one more than all where the finished
/// disk may. Refuses a `from` that names no step.
Result<std::size_t> reusable_steps(const Plan& plan, const LayerPolicy& policy);

}  // namespace kiln
