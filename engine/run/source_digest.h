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

/// Names what is in a source: its SHA-256 where the template or the catalog gives it, which
/// verify_source has checked, else a fast digest, remembered likewise.
Result<std::string> source_contents(const ResolvedSource& source,
                                    const std::filesystem::path& cache_folder,
                                    const CancelToken& cancel);
/// The same where nothing has to be read for it.
std::optional<std::string> known_source_contents(const ResolvedSource& source,
                                                 const std::filesystem::path& cache_folder);

}  // namespace kiln
