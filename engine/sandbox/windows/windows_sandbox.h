#pragma once

#include <memory>

#include "engine/sandbox/sandbox.h"

namespace kiln {

/// Whether this kiln has the agent for Windows in it.
/// @return `Sandbox:NoWindowsAgent` where it was built without mingw-w64
Result<void> check_windows_agent();

/// Boot mode for images of Windows: its own firmware, loader and services run in a virtual machine
/// without any virtio device, and the agent in them as a service, behind COM2. It is put into the
/// disk before and what it has not removed itself is taken out after, both in libguestfs's
/// appliance.
Result<std::unique_ptr<Sandbox>> start_windows(const WorkDisk& disk,
                                               const SandboxOptions& options,
                                               const SandboxContext& context);

}  // namespace kiln
