#pragma once

#include <filesystem>
#include <string_view>

#include "engine/core/result.h"

namespace kiln {

/// Where the host keeps what sandboxes need; tests point it elsewhere.
struct HostPaths {
  std::filesystem::path boot_folder = "/boot";
  std::filesystem::path modules_folder = "/lib/modules";
  std::filesystem::path kvm_device = "/dev/kvm";
  std::filesystem::path boot_id = "/proc/sys/kernel/random/boot_id";
};

/// The kernel that supermin will boot appliances with: the newest readable /boot/vmlinuz-VERSION
/// whose modules are installed. It is the host's own package, so libguestfs carries none.
Result<std::filesystem::path> find_host_kernel(const HostPaths& host);

/// For a kernel that is entered directly in an emulated machine. Its clock needs no measuring, and
/// it leaves cmpxchg16b alone, which runs_without_cx16 is about; programs still find the
/// instruction.
inline constexpr std::string_view kEmulatedKernelArguments =
    "tsc=reliable no_timer_check clearcpuid=cx16";

/// Orders version strings: runs of digits by value, everything else by character.
bool version_less(std::string_view a, std::string_view b);

}  // namespace kiln
