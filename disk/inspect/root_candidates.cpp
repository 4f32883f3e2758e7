#include "disk/inspect/root_candidates.h"

namespace kiln {
namespace {

Result<void> look_into(ImageSession& session,
                       const FileSystem& file_system,
                       std::vector<RootCandidate>& candidates) {
  const auto mounted = session.mount({file_system.device, "/", file_system.type}, true);
  if (!mounted) {
    // A file system that cannot be mounted is not the root of a working system.
    if (mounted.error().kind() == ErrorKind::kCancelled) return mounted.error();
    return {};
  }
  for (const char* path : {"/etc/os-release", "/usr/lib/os-release"}) {
    auto os_release = session.files().read(path);
    if (!os_release) {
      if (os_release.error().kind() == ErrorKind::kCancelled) return os_release.error();
      continue;
    }
    const auto fstab = session.files().read("/etc/fstab");
    candidates.push_back({file_system.device, *os_release, fstab ? *fstab : std::string()});
    break;
  }
  return session.unmount_all();
}

}  // namespace

Result<std::vector<RootCandidate>> find_root_candidates(
    ImageSession& session, const std::vector<FileSystem>& file_systems) {
  std::vector<RootCandidate> candidates;
  for (const auto& file_system : file_systems) {
    if (can_hold_root(file_system)) KILN_TRY(look_into(session, file_system, candidates));
  }
  return candidates;
}

}  // namespace kiln
