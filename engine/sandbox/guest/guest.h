#pragma once

#include <memory>

#include "engine/sandbox/sandbox.h"

namespace kiln {

/// Boot mode: the image's own firmware, loader, kernel and init run in a virtual machine of their
/// own, and the agent in them. It is put into the disk before and taken out after, both in the
/// appliance, so the image has no trace of it.
Result<std::unique_ptr<Sandbox>> start_guest(const WorkDisk& disk,
                                             const SandboxOptions& options,
                                             const SandboxContext& context);

}  // namespace kiln
