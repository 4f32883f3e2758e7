#pragma once

#include <optional>
#include <string>
#include <vector>

#include "disk/inspect/mount_plan.h"

namespace kiln {

/// What blkid(8) says of a device, as a list of names and values in turns; nothing where it knows
/// neither contents nor a partition.
std::optional<FileSystem> read_blkid(const std::string& device,
                                     const std::vector<std::string>& tags);

}  // namespace kiln
