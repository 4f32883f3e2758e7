#include "engine/agent/linux/guest_root.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <climits>

#include "engine/agent/linux/posix.h"

namespace kiln::agent {
namespace {

constexpr const char* kPolicyPath = "/usr/sbin/policy-rc.d";
// 101: action forbidden by policy (invoke-rc.d(8)).
constexpr std::string_view kPolicy =
    "#!/bin/sh\n# Placed by kiln while a build step runs.\nexit 101\n";

bool is_filesystem(const char* path, unsigned long magic) {
  struct statfs info {};
  return ::statfs(path, &info) == 0 && static_cast<unsigned long>(info.f_type) == magic;
}

bool is_folder(const char* path) {
  struct stat info {};
  return ::stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/// What a booted system has and the appliance's /dev may lack.
void complete_dev() {
  if (!is_filesystem("/dev/pts", DEVPTS_SUPER_MAGIC)) {
    ::mkdir("/dev/pts", 0755);
    ::mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=620,ptmxmode=666");
  }
  if (!is_filesystem("/dev/shm", TMPFS_MAGIC)) {
    ::mkdir("/dev/shm", 0755);
    ::mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
  }
  // These fail where they exist. Bash needs the first for <(…).
  [[maybe_unused]] int made = ::symlink("/proc/self/fd", "/dev/fd");
  made = ::symlink("fd/0", "/dev/stdin");
  made = ::symlink("fd/1", "/dev/stdout");
  made = ::symlink("fd/2", "/dev/stderr");
}

/// An absolute path without `..`, by its text alone: realpath wants what is not there yet.
std::string without_dots(std::string_view path) {
  std::string clean;
  while (!path.empty()) {
    const auto component = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(component.size() + 1, path.size()));
    if (component == "..") {
      clean.resize(clean.empty() ? 0 : clean.rfind('/'));
    } else if (!component.empty() && component != ".") {
      clean.append("/").append(component);
    }
  }
  return clean;
}

/// Where /etc/resolv.conf leads, also if its target does not exist.
std::string resolve_resolv_conf() {
  const char* const path = "/etc/resolv.conf";
  char resolved[PATH_MAX];
  if (::realpath(path, resolved) != nullptr) return resolved;
  const auto length = ::readlink(path, resolved, sizeof resolved);
  if (length <= 0) return path;
  const std::string target(resolved, static_cast<std::size_t>(length));
  return without_dots(target.front() == '/' ? target : "/etc/" + target);
}

/// The image's, as on the running system; the appliance has none, and sudo complains of that. Where
/// the kernel gives us no namespace for it, the name stays as it is.
void take_host_name() {
  auto name = read_small_file("/etc/hostname");
  name.resize(std::min(name.find_first_of(" \t\r\n"), name.size()));
  if (!name.empty() && ::unshare(CLONE_NEWUTS) == 0) {
    [[maybe_unused]] const int set = ::sethostname(name.data(), name.size());
  }
}

/// Into an image that has nothing but its own file systems; what it has no folder for is left out.
bool change_root(const std::string& root) {
  for (const char* folder : {"/dev", "/proc", "/sys"}) {
    ::mount(folder, (root + folder).c_str(), nullptr, MS_BIND | MS_REC, nullptr);
  }
  return ::chroot(root.c_str()) == 0 && ::chdir("/") == 0;
}

}  // namespace

std::string GuestRoot::enter(const std::string& root, const std::string& name_server) {
  original_namespace_.reset(::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
  if (!original_namespace_) return failure("open", "/proc/self/ns/mnt");
  if (::unshare(CLONE_NEWNS) != 0) return failure("leave", "the mount namespace");
  // First cut off from where we come from, then shared again with the namespaces of steps only, so
  // that what one step mounts is there for the next.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount(nullptr, "/", nullptr, MS_REC | MS_SHARED, nullptr) != 0) {
    return failure("detach the mounts of", "/");
  }
  if (!root.empty() && !change_root(root)) return failure("change root to", root);
  if (is_folder("/run")) {
    if (::mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") != 0) {
      return failure("mount", "/run");
    }
    constexpr mode_t kWorldWritable = 01777;
    if (::mkdir("/run/lock", kWorldWritable) == 0) ::chmod("/run/lock", kWorldWritable);
  }
  complete_dev();
  take_host_name();
  allow_services();  // in case an agent before us was killed
  return name_server.empty() ? std::string() : provide_name_server(name_server);
}

std::string GuestRoot::provide_name_server(const std::string& name_server) {
  const auto contents = "nameserver " + name_server + "\n";
  const auto target = resolve_resolv_conf();
  const auto folder = target.substr(0, target.rfind('/'));
  constexpr unsigned kMode = 0644;
  if (target.rfind("/run/", 0) == 0) {  // ours already
    if (make_folders(folder) && write_small_file(target, contents, kMode)) return {};
    return failure("write", target);
  }
  return resolv_conf_.cover(target, contents);
}

void GuestRoot::leave() {
  allow_services();
  resolv_conf_.uncover();
  if (original_namespace_) ::setns(original_namespace_.get(), CLONE_NEWNS);
  original_namespace_.reset();
}

void GuestRoot::forbid_services() {
  if (::access("/usr/bin/dpkg", X_OK) != 0) return;
  const UniqueFd file(
      ::open(kPolicyPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0755));
  if (!file) return;  // the image's own stays; a read-only image needs none
  if (!write_all(file.get(), kPolicy) || ::fchmod(file.get(), 0755) != 0) ::unlink(kPolicyPath);
}

void GuestRoot::allow_services() {
  if (read_small_file(kPolicyPath) == kPolicy) ::unlink(kPolicyPath);
}

}  // namespace kiln::agent
