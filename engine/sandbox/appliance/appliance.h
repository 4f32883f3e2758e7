#pragma once

#include <memory>

#include "engine/sandbox/appliance/launch.h"

namespace kiln {

/// Mount mode: the image's file systems are mounted in an appliance, and the agent runs chrooted in
/// them. One launch serves the whole build.
Result<std::unique_ptr<Sandbox>> start_appliance(const WorkDisk& disk,
                                                 const SandboxOptions& options,
                                                 const SandboxContext& context);
/// The same by what was begun with these options while the disk was in use.
Result<std::unique_ptr<Sandbox>> start_appliance(const WorkDisk& disk,
                                                 const SandboxOptions& options,
                                                 const SandboxContext& context,
                                                 std::optional<EarlyAppliance> early);

}  // namespace kiln
