#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "disk/grow/volumes.h"
#include "disk/inspect/mount_plan.h"

namespace kiln {

/// What became of a disk's new room, for a person.
struct FilledDisk {
  std::string grown;    ///< `/dev/sda3 (ext4)`; empty where nothing had to or could grow
  std::string warning;  ///< why room stays unused
};

/// Lets what is at the end of a disk that became larger use it: GPT's copy of itself, the last
/// partition, LVM's volume and the root's logical volume, the file system. What cannot grow (swap
/// space, something encrypted or unknown) leaves the room unused, which is told and no error: the
/// disk has its size all the same.
/// @param root the device that plan_mounts chose
/// @param disk_size bytes
Result<FilledDisk> fill_disk(Volumes& volumes,
                             const std::vector<FileSystem>& file_systems,
                             const std::string& root,
                             std::uint64_t disk_size);

}  // namespace kiln
