#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.h"

namespace kiln {

/// The number of a gallery image version.
using VersionNumber = std::array<std::uint32_t, 3>;

/// Three numbers of at most 32 bits with dots between them.
std::optional<VersionNumber> parse_version_number(std::string_view text);
std::string to_string(const VersionNumber& number);

/// The scheme Latest: the patch after the highest of those that are there. Where there is none yet,
/// a definition begins with 1.0.0, and a major version with MAJOR.0.0, or 0.0.1.
/// @param major only versions of it count; -1 for any
Result<VersionNumber> next_version(const std::vector<VersionNumber>& existing, std::int64_t major);

}  // namespace kiln
