#pragma once

#include <vector>

#include "disk/inspect/image_session.h"

namespace kiln {

/// Looks into every file system that can hold a root. Nothing may be mounted, and nothing is
/// afterwards.
Result<std::vector<RootCandidate>> find_root_candidates(
    ImageSession& session, const std::vector<FileSystem>& file_systems);

}  // namespace kiln
