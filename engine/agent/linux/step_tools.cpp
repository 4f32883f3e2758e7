#include "engine/agent/linux/step_tools.h"

#include <algorithm>
#include <fcntl.h>
#include <string_view>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/agent/linux/posix.h"
#include "engine/agent/linux/step_supervisor.h"

namespace kiln::agent {
namespace {

bool is_on_standard_path(const char* program) {
  std::string_view path = kStandardPath;
  while (!path.empty()) {
    const auto folder = path.substr(0, path.find(':'));
    path.remove_prefix(std::min(folder.size() + 1, path.size()));
    const auto candidate = std::string(folder).append("/").append(program);
    if (::access(candidate.c_str(), X_OK) == 0) return true;
  }
  return false;
}

bool copy_self(const std::string& target) {
  constexpr mode_t kMode = 0755;
  const UniqueFd from(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  const UniqueFd to(::open(target.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode));
  if (!from || !to || ::fchmod(to.get(), kMode) != 0) return false;
  constexpr std::size_t kChunk = std::size_t{1} << 20U;
  ssize_t copied = 0;
  do {
    copied = ::sendfile(to.get(), from.get(), nullptr, kChunk);
  } while (copied > 0);
  return copied == 0;
}

}  // namespace

std::string StepTools::provide() {
  if (is_on_standard_path("sudo")) {
    remove();
  } else if (folder_.empty()) {
    folder_ = "/run/kiln-" + std::to_string(::getpid());
    if (::mkdir(folder_.c_str(), 0755) != 0 || !copy_self(folder_ + "/sudo")) remove();
  }
  return folder_;
}

void StepTools::remove() {
  if (folder_.empty()) return;
  ::unlink((folder_ + "/sudo").c_str());
  ::rmdir(folder_.c_str());
  folder_.clear();
}

}  // namespace kiln::agent
