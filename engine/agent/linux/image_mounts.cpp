#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/agent/linux/image_tool.h"
#include "engine/agent/linux/micro_init.h"
#include "engine/agent/linux/posix.h"

namespace kiln::agent {
namespace {

/// Opens a path of the image, with every symbolic link in it led within the image.
UniqueFd open_in_image(int root, const std::string& path) {
  open_how how{};
  how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return UniqueFd(static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
}

/// mkdir -p within the image.
UniqueFd make_mount_point(int root, const std::string& path) {
  constexpr mode_t kMode = 0755;
  auto folder = open_in_image(root, "/");
  for (std::size_t begin = 1; folder && begin < path.size();) {
    const auto end = std::min(path.find('/', begin), path.size());
    auto next = open_in_image(root, path.substr(0, end));
    if (!next && errno == ENOENT) {
      ::mkdirat(folder.get(), path.substr(begin, end - begin).c_str(), kMode);
      next = open_in_image(root, path.substr(0, end));
    }
    folder = std::move(next);
    begin = end + 1;
  }
  return folder;
}

/// What mount(2) wants as flags is taken out of the options; the rest is the file system's.
unsigned long take_flags(std::string& options) {
  struct Named {
    std::string_view name;
    unsigned long flag;
  };
  constexpr Named kFlags[] = {{"ro", MS_RDONLY}, {"noatime", MS_NOATIME}};
  unsigned long flags = 0;
  std::string rest;
  for (std::size_t begin = 0; begin <= options.size();) {
    const auto end = std::min(options.find(',', begin), options.size());
    const auto option = options.substr(begin, end - begin);
    begin = end + 1;
    const auto* known = std::find_if(std::begin(kFlags), std::end(kFlags), [&](const Named& each) {
      return each.name == option;
    });
    if (known != std::end(kFlags)) {
      flags |= known->flag;
    } else if (!option.empty()) {
      rest.append(rest.empty() ? "" : ",").append(option);
    }
  }
  options = rest;
  return flags;
}

/// Below the image's root, the last mounted first.
std::vector<std::string> image_mounts() {
  const auto table = read_small_file("/proc/self/mounts");
  constexpr int kOctal = 8;
  const std::string root = kImageRoot;
  std::vector<std::string> mounts;
  for (std::string_view rest = table; !rest.empty();) {
    const auto end = std::min(rest.find('\n'), rest.size());
    auto line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    line.remove_prefix(std::min(line.find(' ') + 1, line.size()));
    const std::string escaped(line.substr(0, line.find(' ')));
    std::string path;
    for (std::size_t i = 0; i < escaped.size(); ++i) {
      // `\040` and the like.
      if (escaped[i] == '\\' && i + 3 < escaped.size()) {
        path.push_back(
            static_cast<char>(std::strtol(escaped.substr(i + 1, 3).c_str(), nullptr, kOctal)));
        i += 3;
      } else {
        path.push_back(escaped[i]);
      }
    }
    if (path == root || path.rfind(root + "/", 0) == 0) mounts.push_back(path);
  }
  std::reverse(mounts.begin(), mounts.end());
  return mounts;
}

}  // namespace

int mount_in_image(const std::vector<std::string>& arguments) {
  const auto& device = arguments[0];
  const auto& point = arguments[1];
  const auto& type = arguments[2];
  auto options = arguments[3];
  const auto flags = take_flags(options);
  std::string target = kImageRoot;
  UniqueFd folder;
  if (point != "/") {
    const UniqueFd root(::open(kImageRoot, O_PATH | O_DIRECTORY | O_CLOEXEC));
    folder = make_mount_point(root.get(), point);
    if (!folder) return tool_failure("make the mount point", point);
    target = "/proc/self/fd/" + std::to_string(folder.get());
  }
  if (::mount(device.c_str(), target.c_str(), type.c_str(), flags, options.c_str()) != 0) {
    return tool_failure("mount", device);
  }
  return 0;
}

int unmount_image(const std::vector<std::string>& /*arguments*/) {
  for (const auto& path : image_mounts()) {
    if (::umount2(path.c_str(), UMOUNT_NOFOLLOW) != 0) return tool_failure("unmount", path);
  }
  return 0;
}

int trim_image(const std::vector<std::string>& arguments) {
  const UniqueFd folder(::open(arguments[0].c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  fstrim_range range{0, UINT64_MAX, 0};
  const bool trimmed = folder && ::ioctl(folder.get(), FITRIM, &range) == 0;
  return trimmed ? 0 : tool_failure("trim", arguments[0]);
}

}  // namespace kiln::agent
