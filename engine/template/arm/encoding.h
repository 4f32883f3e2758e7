#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace kiln::arm {

std::string encode_base64(std::string_view bytes);
/// Nothing where the text is no base64.
std::optional<std::string> decode_base64(std::string_view text);
bool is_utf8(std::string_view bytes);

/// ARM's uniqueString: 13 letters and digits that depend on the texts only.
std::string unique_string(std::string_view text);
/// ARM's guid: an RFC 4122 name-based UUID of version 5 in ARM's own name space.
std::string name_based_guid(std::string_view text);
/// A UUID of version 4.
std::string random_guid();

}  // namespace kiln::arm
