#include "engine/agent/linux/covered_file.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/agent/linux/posix.h"

namespace kiln::agent {

std::string CoveredFile::cover(const std::string& path, std::string_view contents) {
  constexpr unsigned kMode = 0644;
  const auto ours = "/run/kiln-" + path.substr(path.rfind('/') + 1);
  if (!write_small_file(ours, contents, kMode)) return failure("write", ours);
  const UniqueFd made(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode));
  made_ = static_cast<bool>(made);
  const bool mounted = ::mount(ours.c_str(), path.c_str(), nullptr, MS_BIND, nullptr) == 0;
  auto error = mounted ? std::string() : failure("mount over", path);
  ::unlink(ours.c_str());  // the mount keeps it
  path_ = path;
  if (!mounted) uncover();
  return error;
}

void CoveredFile::uncover() {
  if (path_.empty()) return;
  ::umount2(path_.c_str(), MNT_DETACH);
  struct stat info {};
  if (made_ && ::lstat(path_.c_str(), &info) == 0 && S_ISREG(info.st_mode) && info.st_size == 0) {
    ::unlink(path_.c_str());
  }
  path_.clear();
}

}  // namespace kiln::agent
