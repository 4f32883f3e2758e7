#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/core/result.h"

namespace kiln {

/// Partitions, logical volumes and file systems as things that grow. Nothing may be mounted, and
/// nothing is afterwards. Doing anything twice is no error.
class Volumes {
 public:
  virtual ~Volumes() = default;
  /// Puts the copy that GPT keeps of itself to the disk's end.
  virtual Result<void> move_backup_table() = 0;
  /// @param end in bytes: the first byte behind the partition
  virtual Result<void> extend_partition(int number, std::uint64_t end) = 0;
  /// Lets LVM use all of the device that a physical volume is on.
  virtual Result<void> extend_physical_volume(const std::string& device) = 0;
  /// The UUIDs of a volume group's physical volumes, without dashes.
  virtual Result<std::vector<std::string>> physical_volumes(const std::string& group) = 0;
  /// Gives a logical volume all that is free in its group.
  virtual Result<void> extend_logical_volume(const std::string& device) = 0;
  /// Lets an ext2, ext3, ext4, xfs or btrfs use all of its device.
  virtual Result<void> extend_file_system(const std::string& device, const std::string& type) = 0;
};

}  // namespace kiln
