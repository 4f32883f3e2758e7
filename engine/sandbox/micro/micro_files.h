#pragma once

#include <filesystem>

#include "engine/core/process_runner.h"

namespace kiln {

/// What qemu starts a micro-appliance with.
struct MicroFiles {
  std::filesystem::path kernel;  ///< an ELF file with a PVH entry
  std::filesystem::path initrd;
};

/// Takes the kernel out of the host's own and packs an initramfs: the agent, the modules of that
/// kernel that a disk can need, and those of the host's programs that know LVM, btrfs and blkid's
/// many formats. Both are kept below `cache_folder` until what they were made of changes.
/// @param kernel a file `vmlinuz-VERSION`
Result<MicroFiles> prepare_micro_files(ProcessRunner& runner,
                                       const std::filesystem::path& kernel,
                                       const std::filesystem::path& cache_folder,
                                       const CancelToken& cancel);

}  // namespace kiln
