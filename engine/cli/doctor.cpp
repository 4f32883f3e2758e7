#include "engine/cli/doctor.h"

#include <array>
#include <cstdlib>
#include <sys/statvfs.h>
#include <unistd.h>

#include <fmt/format.h>

#include "engine/core/bytes.h"
#include "engine/core/file.h"
#include "engine/core/temp_dir.h"
#include "engine/core/text.h"
#include "engine/sandbox/acceleration.h"

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

Finding examine_program(const NeededProgram& program, const HostView& host) {
  const auto path = host.find_program(program.name);
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

struct NeededRoom {
  std::uint64_t least;        ///< a build cannot do with less
  std::uint64_t comfortable;  ///< below, a warning
};
/// Overlays and finished disks, which hold what changed or what is used.
constexpr NeededRoom kDiskRoom{kGiB, 10 * kGiB};
/// The micro-appliance's kernel and initramfs, the agent's keeper, what libvirt found out, a proof.
constexpr NeededRoom kCacheRoom{128 * kMiB, 256 * kMiB};
/// supermin makes a sparse disk, of which some 400 MiB are used.
constexpr NeededRoom kApplianceRoom{600 * kMiB, kGiB};

Finding examine_folder(const char* what,
                       const std::filesystem::path& folder,
                       const NeededRoom& needed,
                       const HostView& host) {
  const auto existing = existing_part(folder);
  if (::access(existing.c_str(), W_OK | X_OK) != 0) {
    return {Level::kProblem,
            what,
            fmt::format("this user cannot write to {}", existing.string()),
            "choose another folder by option, environment or configuration file, or change its "
            "owner"};
  }
  const auto room = host.room(existing);
  const auto detail = fmt::format("{}, {} free", folder.string(), format_bytes(room));
  if (room >= needed.comfortable) return {Level::kOk, what, detail, ""};
  if (room < needed.least) {
    return {Level::kProblem,
            what,
            fmt::format("{}, and a build needs {}", detail, format_bytes(needed.least)),
            "free some room, or choose a folder on a larger file system"};
  }
  return {Level::kWarning,
          what,
          detail,
          fmt::format("{} are enough for most builds", format_bytes(needed.comfortable))};
}

Finding examine_kernel(const HostView& host) {
  const auto kernel = find_host_kernel(host.paths);
  if (kernel) return {Level::kOk, "sandbox kernel", kernel->string(), ""};
  return {Level::kProblem, "sandbox kernel", kernel.error().summary(), kernel.error().cure()};
}

/// `MemAvailable:    1234 kB` of /proc/meminfo, in bytes; 0 where it is not told.
std::uint64_t available_memory(const std::filesystem::path& file) {
  constexpr std::string_view kLabel = "MemAvailable:";
  const auto text = read_file(file);
  if (!text) return 0;
  for (const auto& line : split_lines(*text)) {
    if (line.substr(0, kLabel.size()) == kLabel) {
      return std::strtoull(line.c_str() + kLabel.size(), nullptr, 10) * kKiB;
    }
  }
  return 0;
}

Finding examine_memory(const HostView& host) {
  // What qemu itself takes beside its guest's memory, under emulation above all.
  constexpr auto kOverhead = 512 * kMiB;
  const auto available = available_memory(host.memory);
  const auto sandbox = SandboxOptions{}.memory_mib * kMiB;
  const auto detail = fmt::format("{} available; a sandbox has {} unless --memory says otherwise",
                                  format_bytes(available),
                                  format_bytes(sandbox));
  if (available >= sandbox + kOverhead) return {Level::kOk, "memory", detail, ""};
  return {available < sandbox ? Level::kProblem : Level::kWarning,
          "memory",
          detail,
          "end other programs, or build with a smaller --memory"};
}

Finding examine_acceleration(ProcessRunner& runner,
                             const CancelToken& cancel,
                             const HostView& host) {
  const auto scratch = TempDir::create();
  if (!scratch) return {Level::kProblem, "acceleration", scratch.error().summary(), ""};
  const auto report = prove_acceleration(runner, scratch->path(), cancel, host.paths);
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

/// Builds without it still work.
/// @param use what cannot be used then
Finding examine_option(const char* what, const char* use, const Result<std::string>& found) {
  if (found) return {Level::kOk, what, *found, ""};
  const auto& error = found.error();
  return {Level::kWarning,
          what,
          fmt::format("{} cannot be used: {}", use, error.summary()),
          error.cure()};
}

}  // namespace

HostView HostView::real() {
  HostView view;
  view.room = [](const std::filesystem::path& folder) -> std::uint64_t {
    struct statvfs status {};
    if (::statvfs(folder.c_str(), &status) != 0) return 0;
    return std::uint64_t{status.f_bavail} * status.f_frsize;
  };
  return view;
}

std::filesystem::path appliance_folder() {
  for (const char* variable : {"LIBGUESTFS_CACHEDIR", "TMPDIR"}) {
    if (const char* folder = std::getenv(variable)) return folder;
  }
  return "/var/tmp";
}

std::vector<Finding> examine_host(const DoctorFolders& folders,
                                  ProcessRunner& runner,
                                  const CancelToken& cancel,
                                  const HostView& host) {
  std::vector<Finding> findings;
  for (const auto& program : kPrograms) findings.push_back(examine_program(program, host));
  findings.push_back(examine_kernel(host));
  findings.push_back(examine_memory(host));
  findings.push_back(examine_folder("state folder", folders.state, kDiskRoom, host));
  findings.push_back(examine_folder("output folder", folders.output, kDiskRoom, host));
  findings.push_back(examine_folder("cache folder", folders.cache, kCacheRoom, host));
  findings.push_back(examine_folder("appliance's folder", folders.appliance, kApplianceRoom, host));
  findings.push_back(examine_option("libvirt", "boot mode", host.examine_virt()));
  findings.push_back(examine_option("UEFI firmware", "boot mode", host.examine_uefi()));
  findings.push_back(examine_option(
      "Secure Boot, TPM", "boot mode of TrustedLaunch images", host.examine_trusted_launch()));
  findings.push_back(examine_acceleration(runner, cancel, host));
  return findings;
}

}  // namespace kiln
