#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/bytes.h"

namespace kiln {

std::string base64(Bytes data);
/// Nothing where `text` is not padded base64 of at least one byte.
std::optional<std::vector<std::byte>> decode_base64(std::string_view text);

}  // namespace kiln
