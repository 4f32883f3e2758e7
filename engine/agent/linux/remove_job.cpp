#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <memory>
#include <optional>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "engine/agent/linux/jobs.h"
#include "engine/agent/linux/posix.h"
#include "engine/agent/session/removed_paths.h"

namespace kiln::agent {
namespace {

struct CloseDir {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDir>;

/// Opens a folder by its name in another; never through a symbolic link.
Directory open_directory(int parent, const char* name, int follow = O_NOFOLLOW) {
  const int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | follow);
  if (fd < 0) return nullptr;
  Directory directory(::fdopendir(fd));
  if (!directory) ::close(fd);
  return directory;
}

bool is_dots(std::string_view name) {
  return name == "." || name == "..";
}

bool is_wild(std::string_view component) {
  return component.find_first_of("*?[\\") != std::string_view::npos;
}

std::string join(const std::string& folder, std::string_view name) {
  return std::string(folder == "/" ? "" : folder).append("/").append(name);
}

struct Match {
  std::shared_ptr<DIR> parent;
  std::string name;
  std::string path;
};

/// Expands a shell wildcard. Links before the first wildcard are followed as everywhere (`/var/run`
/// is one), but none after it, so a match is always where it seems to be.
class Expansion {
 public:
  explicit Expansion(std::string_view pattern) {
    std::string folder = "/";
    while (!pattern.empty()) {
      const auto component = pattern.substr(0, pattern.find('/'));
      pattern.remove_prefix(std::min(component.size() + 1, pattern.size()));
      if (!component.empty()) components_.emplace_back(component);
    }
    std::size_t literal = 0;
    while (literal + 1 < components_.size() && !is_wild(components_[literal])) {
      folder = join(folder, components_[literal++]);
    }
    if (components_.empty()) return;
    expand(open_directory(AT_FDCWD, folder.c_str(), 0), folder, literal);
    std::sort(matches_.begin(), matches_.end(), [](const Match& a, const Match& b) {
      return a.path < b.path;
    });
  }
  /// `/`, `/tmp/..` and the like name a folder that cannot be taken out of its parent.
  [[nodiscard]] bool is_refused() const {
    return components_.empty() || is_dots(components_.back());
  }
  std::vector<Match> take() { return std::move(matches_); }

 private:
  void expand(const std::shared_ptr<DIR>& directory, const std::string& folder, std::size_t index) {
    if (!directory) return;
    const auto& component = components_[index];
    if (!is_wild(component)) return visit(directory, folder, component, index);
    while (const auto* entry = ::readdir(directory.get())) {
      const std::string name = entry->d_name;
      if (is_dots(name) || ::fnmatch(component.c_str(), name.c_str(), FNM_PERIOD) != 0) continue;
      visit(directory, folder, name, index);
    }
  }

  void visit(const std::shared_ptr<DIR>& directory,
             const std::string& folder,
             const std::string& name,
             std::size_t index) {
    const auto path = join(folder, name);
    if (index + 1 < components_.size()) {
      return expand(open_directory(::dirfd(directory.get()), name.c_str()), path, index + 1);
    }
    struct stat info {};
    if (::fstatat(::dirfd(directory.get()), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
      matches_.push_back({directory, name, path});
    }
  }

  std::vector<std::string> components_;
  std::vector<Match> matches_;
};

enum class EntryKind { kFolder, kOther, kMountPoint, kGone };

EntryKind kind_of(int parent, const char* name) {
  struct statx info {};
  if (::statx(parent, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &info) != 0) {
    return EntryKind::kGone;
  }
  if ((info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0) return EntryKind::kMountPoint;
  // Kernels before 5.8 do not tell mount points; another device gives most of them away.
  struct stat here {};
  const bool same_device =
      ::fstat(parent, &here) == 0 && makedev(info.stx_dev_major, info.stx_dev_minor) == here.st_dev;
  if (S_ISDIR(info.stx_mode)) return same_device ? EntryKind::kFolder : EntryKind::kMountPoint;
  return EntryKind::kOther;
}

class RemoveJob final : public Job {
 public:
  RemoveJob(std::uint32_t request, const RemoveRequest& remove)
      : request_(request), removed_(request) {
    Expansion expansion(remove.pattern);
    if (expansion.is_refused()) {
      code_ = ErrorCode::kDenied;
      error_ = "refusing to remove " + remove.pattern;
      return;
    }
    matches_ = expansion.take();
    std::reverse(matches_.begin(), matches_.end());  // taken off the back
  }

  int watch(Waits& /*waits*/, const Outbox& outbox) override { return outbox.has_room() ? 0 : -1; }

  bool advance(Outbox& outbox) override {
    constexpr int kSlice = 256;  // then cancels and pings get their turn
    for (int i = 0; i < kSlice && error_.empty(); ++i) {
      if (!path_.empty()) {
        descend();
      } else if (!matches_.empty()) {
        begin();
      } else {
        removed_.tell(outbox);
        outbox.add(FrameType::kDone, request_, {});
        return true;
      }
    }
    if (removed_.fill_a_frame()) removed_.tell(outbox);
    if (error_.empty()) return false;
    removed_.tell(outbox);
    outbox.add(FrameType::kError, request_, error_payload(code_, error_));
    return true;
  }

  void cancel() override {
    code_ = ErrorCode::kCancelled;
    error_ = "cancelled while removing";
  }

 private:
  /// A folder being emptied.
  struct Level {
    Directory directory;
    std::string name;   ///< in the level above
    bool keep = false;  ///< it holds a mount point
  };

  void begin() {
    current_ = std::move(matches_.back());
    matches_.pop_back();
    const int parent = ::dirfd(current_.parent.get());
    switch (kind_of(parent, current_.name.c_str())) {
      case EntryKind::kFolder:
        push(parent, current_.name);
        break;
      case EntryKind::kOther:
        if (unlink(parent, current_.name, 0)) removed_.add(std::move(current_.path));
        break;
      case EntryKind::kMountPoint:
      case EntryKind::kGone:
        break;
    }
  }

  void descend() {
    auto& level = path_.back();
    const int here = ::dirfd(level.directory.get());
    const auto* entry = ::readdir(level.directory.get());
    if (entry == nullptr) return ascend();
    const std::string name = entry->d_name;
    if (is_dots(name)) return;
    switch (kind_of(here, name.c_str())) {
      case EntryKind::kFolder:
        return push(here, name);
      case EntryKind::kOther:
        unlink(here, name, 0);
        return;
      case EntryKind::kMountPoint:
        level.keep = true;
        return;
      case EntryKind::kGone:
        return;
    }
  }

  void ascend() {
    const auto done = std::move(path_.back());
    path_.pop_back();
    if (done.keep) {
      if (!path_.empty()) path_.back().keep = true;
      return;
    }
    const auto& above = path_.empty() ? *current_.parent : *path_.back().directory;
    if (unlink(::dirfd(const_cast<DIR*>(&above)), done.name, AT_REMOVEDIR) && path_.empty()) {
      removed_.add(std::move(current_.path));
    }
  }

  void push(int parent, const std::string& name) {
    auto directory = open_directory(parent, name.c_str());
    if (!directory) return fail("open", name);
    path_.push_back({std::move(directory), name, false});
  }

  bool unlink(int parent, const std::string& name, int flags) {
    if (::unlinkat(parent, name.c_str(), flags) == 0 || errno == ENOENT) return true;
    fail("remove", name);
    return false;
  }

  void fail(std::string_view what, std::string_view name) {
    code_ = error_code_from_errno();
    error_ = failure(what, std::string(name).append(" (part of ") + current_.path + ")");
  }

  std::uint32_t request_;
  std::vector<Match> matches_;
  Match current_;
  std::vector<Level> path_;
  RemovedPaths removed_;
  ErrorCode code_ = ErrorCode::kIo;
  std::string error_;
};

}  // namespace

std::unique_ptr<Job> make_remove_job(std::uint32_t request, const RemoveRequest& remove) {
  return std::make_unique<RemoveJob>(request, remove);
}

}  // namespace kiln::agent
