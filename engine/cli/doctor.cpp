#include "engine/cli/doctor.h"

#include <array>
#include <sys/statvfs.h>
#include <unistd.h>

#include <fmt/format.h>

#include "engine/core/bytes.h"
#include "engine/core/temp_dir.h"
#include "engine/core/text.h"
#include "engine/sandbox/acceleration.h"
#include "engine/sandbox/guest/host_check.h"

namespace kiln {
namespace {

using Level = Finding::Level;

struct NeededProgram {
  std::string_view name;
  std::string_view package;  ///< Debian 12
  std::string_view purpose;
};

constexpr std::array<NeededProgram, 4> kPrograms = {{
    {"qemu-system-x86_64", "qemu-system-x86", "runs the sandbox"},
    {"qemu-img", "qemu-utils", "creates overlays"},
    {"qemu-nbd", "qemu-utils", "reads disk images"},
    {"supermin", "supermin", "makes libguestfs's appliance"},
}};

Finding examine_program(const NeededProgram& program) {
  const auto path = find_program(program.name);
  if (!path.empty()) return {Level::kOk, std::string(program.name), path.string(), ""};
  return {Level::kProblem,
          std::string(program.name),
          fmt::format("not installed; it {}", program.purpose),
          fmt::format("apt-get install {}", program.package)};
}

/// The first folder of `path` that exists, because the rest is made when it is needed.
std::filesystem::path existing_part(std::filesystem::path path) {
  std::error_code error;
  while (!path.empty() && path != path.root_path() && !std::filesystem::exists(path, error)) {
    path = path.parent_path();
  }
  return path;
}

Finding examine_folder(const char* what, const std::filesystem::path& folder) {
  constexpr std::uint64_t kComfortable = 10 * kGiB;
  const auto existing = existing_part(folder);
  struct statvfs status {};
  if (::statvfs(existing.c_str(), &status) != 0 || ::access(existing.c_str(), W_OK) != 0) {
    return {Level::kProblem,
            what,
            fmt::format("{} cannot be written", existing.string()),
            "choose another folder by option, environment or configuration file"};
  }
  const auto free_bytes = std::uint64_t{status.f_bavail} * status.f_frsize;
  const auto detail = fmt::format("{}, {} free", folder.string(), format_bytes(free_bytes));
  if (free_bytes >= kComfortable) return {Level::kOk, what, detail, ""};
  return {Level::kWarning, what, detail, "a build of a large image may not fit"};
}

Finding examine_acceleration(ProcessRunner& runner, const CancelToken& cancel) {
  const auto scratch = TempDir::create();
  if (!scratch) return {Level::kProblem, "acceleration", scratch.error().summary(), ""};
  const auto report = prove_acceleration(runner, scratch->path(), cancel);
  if (!report) {
    return {Level::kProblem, "acceleration", report.error().summary(), report.error().cure()};
  }
  if (report->accelerator == Accelerator::kKvm)
    return {Level::kOk, "acceleration", report->why, ""};
  return {Level::kWarning,
          "acceleration",
          report->why,
          "builds work, but a sandbox takes several times longer; use a host with working KVM"};
}

/// Builds without it still work, in mount mode.
Finding examine_boot_mode(const char* what, const Result<std::string>& found) {
  if (found) return {Level::kOk, what, *found, ""};
  const auto& error = found.error();
  return {Level::kWarning,
          what,
          fmt::format("boot mode cannot be used: {}", error.summary()),
          error.cure()};
}

}  // namespace

std::vector<Finding> examine_host(const Settings& settings,
                                  ProcessRunner& runner,
                                  const CancelToken& cancel) {
  std::vector<Finding> findings;
  for (const auto& program : kPrograms) findings.push_back(examine_program(program));
  findings.push_back(examine_folder("state folder", settings.state_folder));
  findings.push_back(examine_folder("cache folder", settings.cache_folder));
  findings.push_back(examine_boot_mode("libvirt", examine_virt()));
  findings.push_back(examine_boot_mode("UEFI firmware", examine_uefi()));
  findings.push_back(examine_acceleration(runner, cancel));
  return findings;
}

}  // namespace kiln
