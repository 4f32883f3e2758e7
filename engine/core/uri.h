#pragma once

#include <string_view>

#include "engine/core/json.h"

namespace kiln {

/// RFC 3986 scheme without its colon; empty for a path. A single letter is not taken for one, since
/// nobody fetches by it.
std::string_view uri_scheme(std::string_view uri);

/// Refuses what is neither a path nor a URI that Kiln could ever reach: another scheme than https:,
/// http: and file:, a web address without a host, a file of another host, a blank.
/// @param place where the URI is written
Result<void> check_uri(const JsonReader& place, std::string_view uri);

}  // namespace kiln
