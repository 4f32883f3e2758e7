#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "disk/inspect/file_tree.h"

namespace kiln {

/// A path as the file system spells it, for NTFS under Linux tells upper from lower case and
/// Windows does not (ASCII; the system's own names have no other). Links are not followed.
/// @return nothing where it is absent
Result<std::optional<std::string>> windows_path(FileTree& files, std::string_view path);

}  // namespace kiln
