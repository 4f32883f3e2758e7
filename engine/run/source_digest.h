#pragma once

#include <filesystem>

#include "disk/sources/source.h"
#include "engine/core/cancel.h"

namespace kiln {

/// Checks that a source has the SHA-256 that the template or the catalog gives for it. Hashing a
/// large image takes a while, so the answer is remembered for as long as the file's size, time of
/// change and inode stay the same.
Result<void> verify_source(const ResolvedSource& source,
                           const std::filesystem::path& cache_folder,
                           const CancelToken& cancel);

}  // namespace kiln
