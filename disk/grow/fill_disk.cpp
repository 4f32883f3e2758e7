#include "disk/grow/fill_disk.h"

#include <algorithm>

#include "disk/grow/plan_growth.h"

namespace kiln {
namespace {

std::string named(const FileSystem& file_system) {
  return fmt::format("{} ({})", file_system.device, file_system.type);
}

/// `guest` of `/dev/guest/root`.
std::string group_of(const std::string& logical_volume) {
  const std::string_view prefix = "/dev/";
  const auto end = logical_volume.rfind('/');
  if (end == std::string::npos || end <= prefix.size()) return {};
  return logical_volume.substr(prefix.size(), end - prefix.size());
}

std::string without_dashes(std::string uuid) {
  uuid.erase(std::remove(uuid.begin(), uuid.end(), '-'), uuid.end());
  return uuid;
}

/// Whether the root is in the volume group that got the new room.
Result<bool> root_has_room(Volumes& volumes, const Growth& growth) {
  const auto group = group_of(growth.root.device);
  if (group.empty()) return false;
  KILN_TRY_ASSIGN(const auto members, volumes.physical_volumes(group));
  return std::any_of(members.begin(), members.end(), [&](const auto& uuid) {
    return without_dashes(uuid) == without_dashes(growth.last.uuid);
  });
}

Result<FilledDisk> fill_lvm(Volumes& volumes, const Growth& growth) {
  KILN_TRY(volumes.extend_physical_volume(growth.last.device));
  KILN_TRY_ASSIGN(const bool has_room, root_has_room(volumes, growth));
  if (!has_room) {
    return FilledDisk{named(growth.last),
                      fmt::format("the root is not on the LVM of {}, so the new room stays free "
                                  "there, for `lvextend` in a step",
                                  growth.last.device)};
  }
  KILN_TRY(volumes.extend_logical_volume(growth.root.device));
  KILN_TRY(volumes.extend_file_system(growth.root.device, growth.root.type));
  return FilledDisk{fmt::format("{}, {}", named(growth.last), named(growth.root)), ""};
}

}  // namespace

Result<FilledDisk> fill_disk(Volumes& volumes,
                             const std::vector<FileSystem>& file_systems,
                             const std::string& root,
                             std::uint64_t disk_size) {
  const auto growth = plan_growth(file_systems, root, disk_size);
  if (growth.moves_backup_table) KILN_TRY(volumes.move_backup_table());
  for (const auto& [number, end] : growth.partitions) {
    KILN_TRY(volumes.extend_partition(number, end));
  }
  if (growth.last.device.empty()) return FilledDisk{"", growth.obstacle};
  if (growth.last.type == kLvmMember) return fill_lvm(volumes, growth);
  KILN_TRY(volumes.extend_file_system(growth.last.device, growth.last.type));
  return FilledDisk{named(growth.last), ""};
}

}  // namespace kiln
