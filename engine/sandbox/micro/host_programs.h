#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/process_runner.h"
#include "engine/sandbox/host_kernel.h"

namespace kiln {

/// A program of the host on the PATH or where administrators' programs are; empty where it is not
/// installed.
std::filesystem::path find_system_program(std::string_view name);

/// The program and every file that the dynamic linker loads for it, as they are named there.
Result<std::vector<std::filesystem::path>> program_files(ProcessRunner& runner,
                                                         const std::filesystem::path& program,
                                                         const CancelToken& cancel);

/// The files of these modules and of all that they need, in the order of loading; what is built
/// into the kernel has none.
/// @param kernel a file `vmlinuz-VERSION`
Result<std::vector<std::filesystem::path>> module_files(ProcessRunner& runner,
                                                        const std::filesystem::path& kernel,
                                                        const std::vector<std::string>& modules,
                                                        const CancelToken& cancel);

}  // namespace kiln
