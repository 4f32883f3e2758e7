#include "disk/guestfs/guestfs_files.h"

#include <algorithm>
#include <cerrno>
#include <sys/stat.h>

#include "disk/guestfs/guestfs_memory.h"
#include "engine/core/bytes.h"
#include "engine/core/result.h"

namespace kiln {
namespace {

/// The limit of libguestfs's messages (GUESTFS_MESSAGE_MAX), less what surrounds the contents.
constexpr std::uint64_t kLargestFile = 4 * kMiB - 64 * kKiB;

}  // namespace

Result<FileTree::Kind> GuestfsFiles::kind(const std::string& path) {
  const ApplianceKiller::Call call(killer_);
  const CHandle<struct guestfs_statns, guestfs_free_statns> status(
      guestfs_lstatns(handle_, path.c_str()));
  if (!status) {
    const int reason = guestfs_last_errno(handle_);
    if (reason == ENOENT || reason == ENOTDIR) return Kind::kAbsent;
    return error_("looking at " + path);
  }
  const auto mode = static_cast<mode_t>(status->st_mode);
  if (S_ISREG(mode)) return Kind::kFile;
  if (S_ISDIR(mode)) return Kind::kDirectory;
  return S_ISLNK(mode) ? Kind::kSymlink : Kind::kOther;
}

Result<std::uint64_t> GuestfsFiles::file_size(const std::string& path) {
  const ApplianceKiller::Call call(killer_);
  const auto size = guestfs_filesize(handle_, path.c_str());
  if (size < 0) return error_("asking the size of " + path);
  return static_cast<std::uint64_t>(size);
}

Result<std::string> GuestfsFiles::read(const std::string& path) {
  const ApplianceKiller::Call call(killer_);
  KILN_TRY_ASSIGN(const auto size, file_size(path));
  if (size > kLargestFile) {
    return fail(ErrorKind::kIo,
                "FileTree:Read",
                "cannot read {}: its {} bytes are more than {}",
                path,
                size,
                kLargestFile);
  }
  std::size_t length = 0;
  const CHandle<char, std::free> contents(guestfs_read_file(handle_, path.c_str(), &length));
  if (!contents) return error_("reading " + path);
  return std::string(contents.get(), length);
}

Result<std::vector<std::string>> GuestfsFiles::list(const std::string& path) {
  const ApplianceKiller::Call call(killer_);
  char** names = guestfs_ls(handle_, path.c_str());
  if (names == nullptr) {
    const int reason = guestfs_last_errno(handle_);
    if (reason == ENOENT || reason == ENOTDIR) return std::vector<std::string>();
    return error_("listing " + path);
  }
  auto found = take_strings(names);
  std::sort(found.begin(), found.end());
  return found;
}

Result<std::vector<std::string>> GuestfsFiles::glob(const std::string& pattern) {
  const ApplianceKiller::Call call(killer_);
  char** paths = guestfs_glob_expand_opts(
      handle_, pattern.c_str(), GUESTFS_GLOB_EXPAND_OPTS_DIRECTORYSLASH, 0, -1);
  if (paths == nullptr) return error_("looking for " + pattern);
  auto found = take_strings(paths);
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace kiln
