#pragma once

#include <filesystem>

#include "engine/core/result.h"

namespace kiln {

/// A folder that holds the keeper (see main.cpp) beside a link to the emulator, and room for what
/// libvirt finds out about that emulator, which takes seconds to find out.
struct VmKeeper {
  std::filesystem::path program;       ///< to be libvirt's emulator
  std::filesystem::path capabilities;  ///< a folder
};

/// Finds the emulator on the PATH and installs the keeper for it below `cache_folder`. Both belong
/// together by the folder's name, so another emulator or another Kiln gets another folder.
Result<VmKeeper> install_vm_keeper(const std::filesystem::path& cache_folder);

}  // namespace kiln
