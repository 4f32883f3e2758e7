#pragma once

#include <string_view>

namespace kiln {

/// RFC 3986 scheme without its colon; empty for a path. A single letter is not taken for one, since
/// nobody fetches by it.
std::string_view uri_scheme(std::string_view uri);

}  // namespace kiln
