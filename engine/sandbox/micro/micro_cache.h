#pragma once

#include <filesystem>
#include <string>

#include "engine/core/result.h"

namespace kiln {

/// `micro/` in the cache folder: what micro-appliances start with. Files are named by what they
/// were made of; who uses one renews its time.
Result<std::filesystem::path> micro_cache(const std::filesystem::path& cache_folder);

/// Of a file that a package replaces as a whole.
std::string file_identity(const std::filesystem::path& path);
/// For the name of what was made of this.
std::string micro_key(const std::string& text);
/// True where the file is there; it counts as used now.
bool renew(const std::filesystem::path& path);
/// What nothing has used for a week; a machine that runs goes on without the files' names.
void remove_unused(const std::filesystem::path& folder);

}  // namespace kiln
