#pragma once

#include <filesystem>
#include <string>

#include "engine/core/cancel.h"
#include "engine/core/result.h"

namespace kiln {

/// Writes a disc's image (ISO 9660 with Rock Ridge and Joliet) that has what is in `folder`, links
/// as links. Sockets and devices are left out.
/// @param label the volume identifier; in capitals; what it may not hold is replaced
Result<void> write_media(const std::filesystem::path& folder,
                         const std::string& label,
                         const std::filesystem::path& target,
                         const CancelToken& cancel);

}  // namespace kiln
