#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "disk/inspect/mount_plan.h"

namespace kiln {

/// What blkid(8) says of a device, as a list of names and values in turns; nothing where it knows
/// neither contents nor a partition.
std::optional<FileSystem> read_blkid(const std::string& device,
                                     const std::vector<std::string>& tags);

/// What `blkid -p -o export` says of several devices: a block of `NAME=value` lines each, where a
/// backslash stands before what a shell would take for its own. Devices of which it says nothing
/// are missing.
std::vector<FileSystem> read_blkid_export(std::string_view text);

}  // namespace kiln
