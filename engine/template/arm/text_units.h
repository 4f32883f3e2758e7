#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kiln::arm {

/// ARM counts and cuts texts in UTF-16 units. These do the same on UTF-8; half of a pair that a cut
/// would leave alone becomes U+FFFD.
std::u16string to_units(std::string_view text);
std::string from_units(std::u16string_view units);
std::size_t count_units(std::string_view text);

/// Texts of ASCII letters in another case; what is not ASCII stays.
std::string to_upper(std::string_view text);

}  // namespace kiln::arm
