#pragma once

#include <span>
#include <string_view>

#include "engine/core/error.h"

namespace kiln {

/// One way in which HTTP fails below the level of statuses.
struct TransportFailure {
  int curl_code;  ///< a CURLcode
  ErrorKind kind;
  std::string_view code;
  bool retry;
  std::string_view cure;
};

/// The one table behind error codes, cures and the decision to retry.
std::span<const TransportFailure> transport_failures();
/// The table's row, or the row for everything else.
const TransportFailure& transport_failure(int curl_code);

}  // namespace kiln
