#pragma once

#include <string_view>

namespace kiln::agent {

/// Whether a part of a path has `*`, `?` or `[` in it.
bool is_wild(std::wstring_view pattern);

/// A shell's wildcard against one name, in the way of Windows: upper and lower case of ASCII
/// letters are the same, and a dot at the beginning hides nothing.
bool matches(std::wstring_view pattern, std::wstring_view name);

}  // namespace kiln::agent
