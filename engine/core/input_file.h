#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "engine/core/result.h"

namespace kiln {

/// Reads a file that the user named for a template or its values. Whatever is wrong with it is the
/// command line's fault (ErrorKind::kInvalidTemplate), not a failed build's.
/// @param option how messages call the place where it was named, e.g. `--parameters`
Result<std::string> read_input_file(const std::filesystem::path& path,
                                    std::uint64_t limit,
                                    const std::string& option);

}  // namespace kiln
