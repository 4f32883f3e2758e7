#pragma once

#include <memory>

#include "engine/sandbox/micro/micro_vm.h"

namespace kiln {

/// Services a disk in a micro-appliance: the host's kernel entered directly, without firmware or
/// loader, and the agent as its only program. It is up in a fifth of libguestfs's time and knows
/// less: ext2 to ext4, xfs, btrfs, vfat and LVM. What it does not know ends `file_systems` with
/// kUnsupported; it grows nothing.
/// @param machine without a disk yet
Result<std::unique_ptr<ImageSession>> open_micro(MicroVm machine,
                                                 const MicroOptions& options,
                                                 const CancelToken& cancel);

}  // namespace kiln
