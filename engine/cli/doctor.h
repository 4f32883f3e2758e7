#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/cancel.h"
#include "engine/core/process_runner.h"
#include "engine/sandbox/guest/host_check.h"
#include "engine/sandbox/host_kernel.h"

namespace kiln {

/// One thing that a build needs from the host.
struct Finding {
  enum class Level { kOk, kWarning, kProblem };
  Level level = Level::kOk;
  std::string what;    ///< `qemu-nbd`, `KVM`, …
  std::string detail;  ///< what was found
  std::string cure;    ///< empty where all is well
};

/// Where the host is looked at; tests look elsewhere.
struct HostView {
  HostPaths paths;
  std::filesystem::path memory = "/proc/meminfo";
  std::function<std::filesystem::path(std::string_view)> find_program = kiln::find_program;
  /// Bytes that this user can still write there.
  std::function<std::uint64_t(const std::filesystem::path&)> room;
  std::function<Result<std::string>()> examine_virt = kiln::examine_virt;
  std::function<Result<std::string>()> examine_uefi = kiln::examine_uefi;
  std::function<Result<std::string>()> examine_trusted_launch = kiln::examine_trusted_launch;

  static HostView real();
};

/// What a build would write to.
struct DoctorFolders {
  std::filesystem::path state;
  std::filesystem::path cache;
  std::filesystem::path output;
  std::filesystem::path appliance;  ///< where libguestfs keeps what supermin made
};

/// libguestfs's own rule: LIBGUESTFS_CACHEDIR, TMPDIR, else /var/tmp.
std::filesystem::path appliance_folder();

/// Looks at the host; writes nothing that stays. A build cannot run where a finding is a problem.
std::vector<Finding> examine_host(const DoctorFolders& folders,
                                  ProcessRunner& runner,
                                  const CancelToken& cancel,
                                  const HostView& host = HostView::real());

}  // namespace kiln
