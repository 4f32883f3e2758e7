#pragma once

#include <filesystem>
#include <string>

#include "engine/core/cancel.h"
#include "engine/core/result.h"

namespace kiln {

/// Brings remote inputs to the host before anything starts: `file:`, plain paths, `http:`,
/// `https:`.
class Fetcher {
 public:
  virtual ~Fetcher() = default;
  /// Writes the bytes behind `uri` to `destination` (atomically; nothing left on failure).
  /// @return their SHA-256, lower-case hex, which was made while they came
  virtual Result<std::string> fetch(const std::string& uri,
                                    const std::filesystem::path& destination,
                                    const CancelToken& cancel) = 0;
  /// Says, without fetching the whole, whether `uri` could be fetched now.
  virtual Result<void> check(const std::string& uri, const CancelToken& cancel) = 0;
};

}  // namespace kiln
