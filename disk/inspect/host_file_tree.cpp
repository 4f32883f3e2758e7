#include <algorithm>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "disk/inspect/file_tree.h"
#include "engine/core/bytes.h"
#include "engine/core/c_handle.h"
#include "engine/core/text.h"
#include "engine/core/unique_fd.h"

namespace kiln {

Result<std::vector<std::vector<std::string>>> FileTree::glob_each(
    const std::vector<std::string>& patterns) {
  std::vector<std::vector<std::string>> answers;
  for (const auto& pattern : patterns) {
    KILN_TRY_ASSIGN(auto paths, glob(pattern));
    answers.push_back(std::move(paths));
  }
  return answers;
}

namespace {

Error file_error(const std::string& path, int error) {
  const auto kind = error == ENOENT || error == ENOTDIR ? ErrorKind::kNotFound : ErrorKind::kIo;
  return fail(kind, "FileTree:Read", "cannot read {}: {}", path, strerror(error));
}

class HostFileTree : public FileTree {
 public:
  explicit HostFileTree(std::string root) : root_(std::move(root)) {}

  Result<Kind> kind(const std::string& path) override {
    const auto file = open(path, O_PATH | O_NOFOLLOW);
    if (!file) {
      if (errno == ENOENT || errno == ENOTDIR) return Kind::kAbsent;
      return file_error(path, errno);
    }
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return file_error(path, errno);
    if (S_ISREG(status.st_mode)) return Kind::kFile;
    if (S_ISDIR(status.st_mode)) return Kind::kDirectory;
    return S_ISLNK(status.st_mode) ? Kind::kSymlink : Kind::kOther;
  }

  Result<std::uint64_t> file_size(const std::string& path) override {
    const auto file = open(path, O_PATH);
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0) return file_error(path, errno);
    return static_cast<std::uint64_t>(status.st_size);
  }

  Result<std::string> read(const std::string& path) override {
    KILN_TRY_ASSIGN(const auto size, file_size(path));
    constexpr std::uint64_t kLargest = 4 * kMiB;
    if (size > kLargest) return file_error(path, EFBIG);
    const auto file = open(path, O_RDONLY);
    if (!file) return file_error(path, errno);
    std::string contents(size, '\0');
    std::size_t done = 0;
    while (done < size) {
      const auto count = ::read(file.get(), contents.data() + done, size - done);
      if (count < 0) return file_error(path, errno);
      if (count == 0) break;
      done += static_cast<std::size_t>(count);
    }
    contents.resize(done);
    return contents;
  }

  Result<std::vector<std::string>> list(const std::string& path) override {
    std::vector<std::string> names;
    auto folder = open(path, O_RDONLY | O_DIRECTORY);
    if (!folder) {
      if (errno == ENOENT || errno == ENOTDIR) return names;
      return file_error(path, errno);
    }
    const CHandle<DIR, ::closedir> stream(::fdopendir(folder.get()));
    if (!stream) return file_error(path, errno);
    folder.release();
    while (const auto* entry = ::readdir(stream.get())) {
      const std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<std::vector<std::string>> glob(const std::string& pattern) override {
    std::vector<std::string> found = {""};
    for (const auto& part : split(pattern, '/')) {
      if (part.empty()) continue;
      std::vector<std::string> deeper;
      for (const auto& folder : found) KILN_TRY(extend(folder, part, deeper));
      found = std::move(deeper);
    }
    std::sort(found.begin(), found.end());
    return found;
  }

 private:
  Result<void> extend(const std::string& folder,
                      const std::string& part,
                      std::vector<std::string>& found) {
    KILN_TRY_ASSIGN(const auto names, list(folder + "/"));
    for (const auto& name : names) {
      if (::fnmatch(part.c_str(), name.c_str(), FNM_PERIOD) == 0) {
        found.push_back(fmt::format("{}/{}", folder, name));
      }
    }
    return {};
  }

  /// The kernel itself keeps symbolic links, absolute ones too, inside of the root.
  [[nodiscard]] UniqueFd open(const std::string& path, int flags) const {
    const UniqueFd root(::open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
    how.resolve = RESOLVE_IN_ROOT;
    return UniqueFd(
        static_cast<int>(::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how)));
  }

  std::string root_;
};

}  // namespace

std::unique_ptr<FileTree> host_file_tree(std::string root) {
  return std::make_unique<HostFileTree>(std::move(root));
}

}  // namespace kiln
