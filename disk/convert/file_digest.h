#pragma once

#include <filesystem>
#include <string>

#include "engine/core/cancel.h"
#include "engine/core/result.h"

namespace kiln {

/// The ContentDigest of a file's own bytes, in lower-case hex; holes are not read.
Result<std::string> file_digest(const std::filesystem::path& path, const CancelToken& cancel);

}  // namespace kiln
