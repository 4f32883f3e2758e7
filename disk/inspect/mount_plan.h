#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.h"

namespace kiln {

/// A partition's entry in the disk's table. Sizes in bytes.
struct Partition {
  std::string table;  ///< `gpt` or `dos`
  int number = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::string type;  ///< a GUID in lower case; for `dos` such as `0x83`

  [[nodiscard]] std::uint64_t end() const { return offset + size; }
};

/// Before a btrfs subvolume's device and path.
inline constexpr std::string_view kBtrfsVolume = "btrfsvol:";
/// The type of an LVM physical volume.
inline constexpr std::string_view kLvmMember = "LVM2_member";

/// A file system, swap space or container found on a disk, in libguestfs's terms.
struct FileSystem {
  std::string device;  ///< `/dev/sda1`, `/dev/vg/lv`, `btrfsvol:/dev/sda2/@`
  std::string type;    ///< as blkid(8) says: ext4, swap, crypto_LUKS, …; empty where unknown
  std::string label;
  std::string uuid;
  std::string part_uuid;
  std::string part_label;
  /// None for logical volumes and whole disks.
  std::optional<Partition> partition = std::nullopt;
};

/// A file system that holds an os-release file and could be a guest's root.
struct RootCandidate {
  std::string device;  ///< the `device` of a FileSystem
  std::string os_release;
  std::string fstab;
};

struct PlannedMount {
  std::string device;
  std::string mount_point;
  std::string type;
  friend bool operator==(const PlannedMount&, const PlannedMount&) = default;
};

/// What to mount for the guest to find itself as it does when running; the root comes first and
/// every mount point after the one that contains it.
struct MountPlan {
  std::vector<PlannedMount> mounts;
  std::string os_id;
  std::string pretty_name;
  std::vector<std::string> warnings;
};

/// Whether a root could be on such a file system, so that looking into it is worth the time.
bool can_hold_root(const FileSystem& file_system);

/// Decides from what was found, without touching the disk, which file system is the root and what
/// else its fstab mounts. Device names in fstab are those of the machine that the guest ran on
/// (`/dev/vda1`, `/dev/nvme0n1p1`); they mean the partition of that number on our one disk.
Result<MountPlan> plan_mounts(const std::vector<FileSystem>& file_systems,
                              const std::vector<RootCandidate>& candidates);

}  // namespace kiln
