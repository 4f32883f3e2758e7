#pragma once

#include <string>
#include <string_view>

#include "engine/core/result.h"

namespace kiln {

/// A tar archive of a folder with one program, both with Windows's permissions in it, as ntfs-3g
/// takes them (the extended attribute system.ntfs_acl): libguestfs sets binary attributes in no
/// other way.
Result<std::string> agent_archive(const std::string& folder,
                                  const std::string& program,
                                  std::string_view contents);

}  // namespace kiln
