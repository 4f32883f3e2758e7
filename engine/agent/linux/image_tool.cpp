#include "engine/agent/linux/image_tool.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <string_view>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "engine/agent/linux/micro_init.h"
#include "engine/agent/linux/posix.h"

namespace kiln::agent {
namespace {

using Arguments = std::vector<std::string>;

constexpr int kUsageError = 64;
constexpr int kAbsent = 2;
constexpr std::size_t kLargestRead = std::size_t{4} << 20U;

int answer(std::string_view text) {
  return write_all(STDOUT_FILENO, text) ? 0 : 1;
}

std::string listed(std::vector<std::string> items) {
  std::sort(items.begin(), items.end());
  std::string text;
  for (const auto& item : items) text.append(item).push_back('\0');
  return text;
}

int answer_list(std::vector<std::string> items) {
  return answer(listed(std::move(items)));
}

int modules(const Arguments& arguments) {
  return load_modules(arguments[0].c_str()) ? 0 : 1;
}

int read_from(int fd, std::size_t limit, const std::string& path) {
  std::string text;
  char piece[65536];
  while (text.size() < limit) {
    const auto got = ::read(fd, piece, std::min(sizeof piece, limit - text.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return tool_failure("read", path);
    if (got == 0) break;
    text.append(piece, static_cast<std::size_t>(got));
  }
  return answer(text);
}

int head(const Arguments& arguments) {
  const UniqueFd device(::open(arguments[0].c_str(), O_RDONLY | O_CLOEXEC));
  if (!device) return tool_failure("open", arguments[0]);
  return read_from(device.get(), std::strtoul(arguments[1].c_str(), nullptr, 10), arguments[0]);
}

int kind(const Arguments& arguments) {
  struct stat info {};
  if (::lstat(arguments[0].c_str(), &info) != 0) {
    return errno == ENOENT || errno == ENOTDIR ? answer("absent")
                                               : tool_failure("look at", arguments[0]);
  }
  return answer(S_ISREG(info.st_mode)   ? "file"
                : S_ISDIR(info.st_mode) ? "directory"
                : S_ISLNK(info.st_mode) ? "symlink"
                                        : "other");
}

int size(const Arguments& arguments) {
  struct stat info {};
  if (::stat(arguments[0].c_str(), &info) != 0) return tool_failure("look at", arguments[0]);
  return answer(std::to_string(info.st_size));
}

int read(const Arguments& arguments) {
  // Not blocking, because an image may have a FIFO where a file should be.
  const UniqueFd file(::open(arguments[0].c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) != 0) return tool_failure("read", arguments[0]);
  if (!S_ISREG(info.st_mode)) errno = S_ISDIR(info.st_mode) ? EISDIR : EINVAL;
  if (info.st_size > static_cast<off_t>(kLargestRead)) errno = EFBIG;
  const bool readable = S_ISREG(info.st_mode) && info.st_size <= static_cast<off_t>(kLargestRead);
  return readable ? read_from(file.get(), kLargestRead, arguments[0])
                  : tool_failure("read", arguments[0]);
}

int list(const Arguments& arguments) {
  DIR* folder = ::opendir(arguments[0].c_str());
  if (folder == nullptr) {
    return errno == ENOENT || errno == ENOTDIR ? 0 : tool_failure("list", arguments[0]);
  }
  std::vector<std::string> names;
  while (const auto* entry = ::readdir(folder)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  ::closedir(folder);
  return answer_list(std::move(names));
}

/// An empty item ends what was found for one pattern.
int glob(const Arguments& patterns) {
  std::string text;
  for (const auto& pattern : patterns) {
    glob_t found{};
    const int result = ::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found);
    std::vector<std::string> paths(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    ::globfree(&found);
    if (result != 0 && result != GLOB_NOMATCH) return tool_failure("look for", pattern);
    text.append(listed(std::move(paths))).push_back('\0');
  }
  return answer(text);
}

unsigned mode_of(const std::string& text) {
  constexpr int kOctal = 8;
  return static_cast<unsigned>(std::strtoul(text.c_str(), nullptr, kOctal));
}

int write(const Arguments& arguments) {
  const auto mode = mode_of(arguments[1]);
  const UniqueFd file(::open(arguments[0].c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!file) return tool_failure("write", arguments[0]);
  char piece[65536];
  for (;;) {
    const auto got = ::read(STDIN_FILENO, piece, sizeof piece);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return tool_failure("take what to write to", arguments[0]);
    if (got == 0) break;
    if (!write_all(file.get(), {piece, static_cast<std::size_t>(got)})) {
      return tool_failure("write", arguments[0]);
    }
  }
  return ::fchmod(file.get(), mode) == 0 ? 0 : tool_failure("set the mode of", arguments[0]);
}

int make_folder(const Arguments& arguments) {
  const auto mode = mode_of(arguments[1]);
  const bool made =
      ::mkdir(arguments[0].c_str(), mode) == 0 && ::chmod(arguments[0].c_str(), mode) == 0;
  return made ? 0 : tool_failure("make the folder", arguments[0]);
}

int link(const Arguments& arguments) {
  const bool made = ::symlink(arguments[0].c_str(), arguments[1].c_str()) == 0;
  return made ? 0 : tool_failure("link", arguments[1]);
}

int remove_entry(const char* path, const struct stat* /*info*/, int /*kind*/, struct FTW* /*at*/) {
  return ::remove(path);
}

int remove(const Arguments& arguments) {
  constexpr int kOpenFolders = 64;
  const int result =
      ::nftw(arguments[0].c_str(), remove_entry, kOpenFolders, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
  return result == 0 || errno == ENOENT ? 0 : tool_failure("remove", arguments[0]);
}

/// SELinux's extended attribute, which any kernel keeps.
int copy_label(const Arguments& arguments) {
  constexpr const char* kLabel = "security.selinux";
  constexpr std::size_t kLongest = 4096;
  char label[kLongest];
  const auto length = ::lgetxattr(arguments[0].c_str(), kLabel, label, sizeof label);
  if (length < 0 && (errno == ENODATA || errno == ENOTSUP || errno == ENOENT)) return 0;
  if (length < 0) return tool_failure("read the label of", arguments[0]);
  const int set =
      ::lsetxattr(arguments[1].c_str(), kLabel, label, static_cast<std::size_t>(length), 0);
  return set == 0 ? 0 : tool_failure("label", arguments[1]);
}

/// What nftw's callback, which has no argument of its own, adds to.
struct Changes {
  time_t since = 0;
  std::size_t limit = 0;
  std::vector<std::string> found;
  std::size_t more = 0;
} changes;

int look_for_change(const char* path, const struct stat* info, int kind, struct FTW* /*at*/) {
  if (kind == FTW_NS || S_ISDIR(info->st_mode) || info->st_ctim.tv_sec < changes.since) return 0;
  if (changes.found.size() >= changes.limit) {
    ++changes.more;
    return 0;
  }
  constexpr long kMilliseconds = 1'000'000;
  changes.found.push_back(
      std::to_string(info->st_ctim.tv_sec * 1000 + info->st_ctim.tv_nsec / kMilliseconds) + " " +
      std::to_string(info->st_size) + " " + path);
  return 0;
}

int changed(const Arguments& arguments) {
  constexpr int kOpenFolders = 64;
  changes.since = std::strtoll(arguments[0].c_str(), nullptr, 10);
  changes.limit = std::strtoul(arguments[1].c_str(), nullptr, 10);
  if (::nftw("/", look_for_change, kOpenFolders, FTW_PHYS) != 0) {
    return tool_failure("walk through", "/");
  }
  const auto more = std::to_string(changes.more) + '\0';
  return write_all(STDOUT_FILENO, more) ? answer_list(std::move(changes.found)) : 1;
}

struct Tool {
  std::string_view name;
  std::size_t arguments;
  bool in_image;  ///< paths are the image's
  int (*perform)(const Arguments&);
};

constexpr std::size_t kAny = SIZE_MAX;

constexpr Tool kTools[] = {
    {"modules", 1, false, modules},
    {"network", 3, false, set_up_network},
    {"reseed", 0, false, reseed},
    {"head", 2, false, head},
    {"mount", 4, false, mount_in_image},
    {"unmount-all", 0, false, unmount_image},
    {"trim", 1, true, trim_image},
    {"kind", 1, true, kind},
    {"size", 1, true, size},
    {"read", 1, true, read},
    {"list", 1, true, list},
    {"glob", kAny, true, glob},
    {"write", 2, true, write},
    {"mkdir", 2, true, make_folder},
    {"link", 2, true, link},
    {"remove", 1, true, remove},
    {"copy-label", 2, true, copy_label},
    {"changed", 2, true, changed},
};

}  // namespace

int tool_failure(const char* what, const std::string& path) {
  const int code = errno == ENOENT ? kAbsent : 1;
  write_all(STDERR_FILENO, failure(what, path) + "\n");
  return code;
}

int image_tool(const std::vector<std::string>& arguments) {
  for (const auto& tool : kTools) {
    if (arguments.empty() || arguments[0] != tool.name) continue;
    if (tool.arguments != kAny && arguments.size() != tool.arguments + 1) return kUsageError;
    if (tool.in_image && (::chroot(kImageRoot) != 0 || ::chdir("/") != 0)) {
      return tool_failure("change root to", kImageRoot);
    }
    return tool.perform({arguments.begin() + 1, arguments.end()});
  }
  return kUsageError;
}

}  // namespace kiln::agent
