#include "engine/agent/linux/posix.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kiln::agent {

std::string failure(std::string_view what, std::string_view path) {
  const char* reason = std::strerror(errno);
  return std::string("cannot ").append(what).append(" ").append(path).append(": ").append(reason);
}

bool write_all(int fd, std::string_view data) {
  while (!data.empty()) {
    const auto written = ::write(fd, data.data(), data.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    data.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::string read_small_file(const char* path, std::size_t limit) {
  const UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  std::string text;
  char piece[4096];
  while (file && text.size() < limit) {
    const auto got = ::read(file.get(), piece, std::min(sizeof piece, limit - text.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(piece, static_cast<std::size_t>(got));
  }
  return text;
}

bool write_small_file(const std::string& path, std::string_view contents, unsigned mode) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  return file && ::fchmod(file.get(), mode) == 0 && write_all(file.get(), contents);
}

void set_nonblocking(int fd) {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

bool make_folders(const std::string& path) {
  constexpr mode_t kMode = 0755;
  for (auto end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) {
    ::mkdir(path.substr(0, end).c_str(), kMode);
  }
  return ::mkdir(path.c_str(), kMode) == 0 || errno == EEXIST;
}

}  // namespace kiln::agent
