#pragma once

#include <memory>

#include "engine/sandbox/sandbox.h"

namespace kiln {

/// Mount mode: the image's file systems are mounted in a libguestfs appliance, and the agent runs
/// chrooted in them. One launch serves the whole build.
Result<std::unique_ptr<Sandbox>> start_appliance(const WorkDisk& disk,
                                                 const SandboxOptions& options,
                                                 const SandboxContext& context);

}  // namespace kiln
