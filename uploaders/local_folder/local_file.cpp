#include "uploaders/local_folder/local_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/statvfs.h>
#include <unistd.h>

#include "disk/formats/vhd_footer.h"
#include "engine/core/file.h"
#include "engine/core/text.h"
#include "uploaders/delivery_progress.h"

namespace kiln {
namespace {

// Less than any installed system needs, so a folder with less is certain to fail.
constexpr std::uint64_t kLeastRoom = 64 * kMiB;

/// The folder itself or, where it is still to be created, the nearest one that exists.
std::filesystem::path nearest_existing(std::filesystem::path folder) {
  std::error_code error;
  while (!std::filesystem::exists(folder, error) && folder.has_relative_path()) {
    folder = folder.parent_path();
  }
  return folder.empty() ? "." : folder;
}

Result<void> refuse_existing(const std::filesystem::path& path, bool overwrite) {
  std::error_code error;
  const auto status = std::filesystem::symlink_status(path, error);
  if (!std::filesystem::exists(status)) return {};
  if (!std::filesystem::is_regular_file(std::filesystem::status(path, error))) {
    return fail(ErrorKind::kIo, "LocalFile:NotAFile", "{} is not a file", path.string())
        .cure("choose another name");
  }
  if (overwrite) return {};
  return fail(ErrorKind::kIo, "LocalFile:Exists", "{} already exists", path.string())
      .cure("delete it, choose another name, or allow overwriting (--overwrite)");
}

Result<std::uint64_t> available_bytes(const std::filesystem::path& folder) {
  struct statvfs info {};
  if (::statvfs(folder.c_str(), &info) != 0) {
    return fail(ErrorKind::kIo,
                "LocalFile:Folder",
                "cannot look at the folder {}: {}",
                folder.string(),
                strerror(errno));
  }
  return std::uint64_t{info.f_bavail} * info.f_frsize;
}

Result<void> check_room(const std::filesystem::path& folder,
                        const DistributeContext& context,
                        std::uint64_t disk_size) {
  KILN_TRY_ASSIGN(const auto available, available_bytes(folder));
  switch (judge_room(available, disk_size)) {
    case RoomVerdict::kEnough:
      return {};
    case RoomVerdict::kMaybe:
      warning(context.events,
              fmt::format("{} has {} free: enough only if the image holds less data than that (its "
                          "size is {})",
                          folder.string(),
                          format_bytes(available),
                          format_bytes(disk_size)));
      return {};
    case RoomVerdict::kTooLittle:
      break;
  }
  return fail(ErrorKind::kIo,
              "LocalFile:NoRoom",
              "{} has only {} free",
              folder.string(),
              format_bytes(available))
      .cure("free some room, or choose another output folder");
}

}  // namespace

RoomVerdict judge_room(std::uint64_t available, std::uint64_t disk_size) {
  if (available >= disk_size + kVhdFooterSize) return RoomVerdict::kEnough;
  return available < std::min(disk_size, kLeastRoom) ? RoomVerdict::kTooLittle
                                                     : RoomVerdict::kMaybe;
}

Result<void> check_local_file(const std::filesystem::path& folder,
                              const std::optional<std::string>& name,
                              const DistributeContext& context,
                              std::uint64_t disk_size) {
  const auto existing = nearest_existing(folder);
  if (!std::filesystem::is_directory(existing)) {
    return fail(ErrorKind::kIo, "LocalFile:Folder", "{} is not a folder", existing.string())
        .cure("choose another output folder");
  }
  if (::access(existing.c_str(), W_OK | X_OK) != 0) {
    return fail(ErrorKind::kIo,
                "LocalFile:Folder",
                "the folder {} cannot be written: {}",
                existing.string(),
                strerror(errno))
        .cure("change its permissions, or choose another output folder");
  }
  if (name) KILN_TRY(refuse_existing(folder / *name, context.overwrite));
  return check_room(existing, context, disk_size);
}

Result<FixedVhd> deliver_local_file(FinishedDisk& disk,
                                    const std::filesystem::path& path,
                                    const DistributeContext& context) {
  KILN_TRY(refuse_existing(path, context.overwrite));
  if (path.has_parent_path()) KILN_TRY(make_directories(path.parent_path()));
  DeliveryProgress progress(
      context.events, context.step_id, fmt::format("writing {}", path.filename().string()));
  const auto report = [&](std::uint64_t done, std::uint64_t total) {
    progress.update(done, total);
  };
  return write_fixed_vhd(disk.blocks, path, context.cancel, report);
}

}  // namespace kiln
