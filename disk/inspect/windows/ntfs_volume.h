#pragma once

#include <string>

#include "disk/inspect/windows/hives.h"

namespace kiln {

/// Whether a volume of NTFS is marked dirty: the flag 0x0001 in $VOLUME_INFORMATION (attribute
/// 0x70) of the master file table's record 3, which Windows sets while it writes.
/// @return `Windows:NtfsStructure` where it is not laid out as NTFS 3.1 is
Result<bool> ntfs_is_dirty(Hives& hives, const std::string& device);

}  // namespace kiln
