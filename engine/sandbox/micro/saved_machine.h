#pragma once

#include <filesystem>
#include <optional>

#include "engine/sandbox/micro/micro_command.h"
#include "engine/sandbox/micro/qmp.h"

namespace kiln {

/// A micro-appliance that has started and waits for its disk, as two files. Any number of machines
/// go on from it at once, each with its own copy of what it writes, and are spared the kernel's
/// start, which takes seconds under emulation. It has seen no image.
struct SavedMachine {
  std::filesystem::path memory;   ///< as large as the machine's memory, and sparse
  std::filesystem::path devices;  ///< qemu's migration stream, without the memory
};

/// The one in the cache for this very machine, host and boot of the host; made first where there is
/// none. Nothing where one is being made by another build, or could not be made before.
/// @param options of the machine that is to go on from it; its disk and discs do not matter
Result<std::optional<SavedMachine>> prepare_saved_machine(ProcessRunner& runner,
                                                          const MicroOptions& options,
                                                          const MicroFiles& files,
                                                          const std::filesystem::path& cache_folder,
                                                          const CancelToken& cancel);

/// Has a machine that was started with the saved memory go on from there.
Result<void> resume_machine(Qmp& monitor, const SavedMachine& saved, const CancelToken& cancel);

/// Machines do not go on from it: from now on there is none, until the cache forgets that.
void give_up_saved_machine(const MicroOptions& options,
                           const MicroFiles& files,
                           const std::filesystem::path& cache_folder);

}  // namespace kiln
