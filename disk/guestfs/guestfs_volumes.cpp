#include "disk/guestfs/guestfs_volumes.h"

#include "disk/guestfs/guestfs_memory.h"
#include "engine/core/result.h"

namespace kiln {
namespace {

constexpr const char* kDisk = "/dev/sda";

}  // namespace

Result<void> GuestfsVolumes::check(int status, std::string doing) const {
  if (status == 0) return {};
  return error_(std::move(doing));
}

Result<void> GuestfsVolumes::move_backup_table() {
  const ApplianceKiller::Call call(killer_);
  return check(guestfs_part_expand_gpt(handle_, kDisk), "moving the copy of the partition table");
}

Result<void> GuestfsVolumes::extend_partition(int number, std::uint64_t end) {
  const ApplianceKiller::Call call(killer_);
  constexpr std::uint64_t kSector = 512;
  return check(
      guestfs_part_resize(handle_, kDisk, number, static_cast<std::int64_t>(end / kSector) - 1),
      fmt::format("growing the partition {}{}", kDisk, number));
}

Result<void> GuestfsVolumes::extend_physical_volume(const std::string& device) {
  const ApplianceKiller::Call call(killer_);
  return check(guestfs_pvresize(handle_, device.c_str()), "growing the LVM of " + device);
}

Result<std::vector<std::string>> GuestfsVolumes::physical_volumes(const std::string& group) {
  const ApplianceKiller::Call call(killer_);
  char** uuids = guestfs_vgpvuuids(handle_, group.c_str());
  if (uuids == nullptr) return error_("asking what the volume group " + group + " is on");
  return take_strings(uuids);
}

Result<void> GuestfsVolumes::extend_logical_volume(const std::string& device) {
  const ApplianceKiller::Call call(killer_);
  constexpr int kPercent = 100;
  return check(guestfs_lvresize_free(handle_, device.c_str(), kPercent),
               "growing the logical volume " + device);
}

/// ext too is grown while it is mounted, because the tool wants a full check of it otherwise.
Result<void> GuestfsVolumes::extend_file_system(const std::string& device,
                                                const std::string& type) {
  const ApplianceKiller::Call call(killer_);
  const auto doing = fmt::format("growing the {} of {}", type, device);
  KILN_TRY(check(guestfs_mount_options(handle_, "noatime", device.c_str(), "/"), doing));
  int status = 0;
  if (type == "xfs") {
    status = guestfs_xfs_growfs(handle_, "/", -1);
  } else if (type == "btrfs") {
    status = guestfs_btrfs_filesystem_resize(handle_, "/", -1);
  } else {
    status = guestfs_resize2fs(handle_, device.c_str());
  }
  KILN_TRY(check(status, doing));
  return check(guestfs_umount_all(handle_), doing);
}

}  // namespace kiln
