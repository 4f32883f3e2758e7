#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "disk/inspect/mount_plan.h"

namespace kiln {

/// What takes the new room of a disk that became larger; `last` is empty where nothing does.
struct Growth {
  struct Extension {
    int number = 0;         ///< of the partition
    std::uint64_t end = 0;  ///< bytes
    friend bool operator==(const Extension&, const Extension&) = default;
  };
  bool moves_backup_table = false;
  std::vector<Extension> partitions;  ///< an extended partition before what is in it
  FileSystem last;                    ///< what is at the disk's end, and grows
  FileSystem root;                    ///< where `last` is LVM: the root, if that is on LVM too
  std::string obstacle;               ///< why nothing can grow, for a person; else empty
};

/// Decides without touching the disk. Only what comes last can grow: nothing is ever moved.
/// @param root the device that plan_mounts chose
/// @param disk_size bytes
Growth plan_growth(const std::vector<FileSystem>& file_systems,
                   const std::string& root,
                   std::uint64_t disk_size);

}  // namespace kiln
