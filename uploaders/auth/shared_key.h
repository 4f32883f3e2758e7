#pragma once

#include <chrono>
#include <string>

#include "engine/core/secret.h"
#include "uploaders/transport/http.h"

namespace kiln {

/// A storage account's name and base64 key.
struct SharedKey {
  std::string account;
  Secret key;
};

/// The text that Azure's "Authorize with Shared Key" signs, for blob service versions from
/// 2015-02-21. All `x-ms-` headers have to be in the request already, x-ms-date among them.
/// Names are sorted as bytes while the service sorts them by culture, so names that differ only
/// around `-`, `_` and digits must be avoided (see valid_metadata_name).
Result<std::string> shared_key_string_to_sign(const std::string& account,
                                              const HttpRequest& request);

/// The Authorization header's value.
Result<std::string> shared_key_authorization(const SharedKey& key, const HttpRequest& request);

/// Refuses a key that is not base64 of at least one byte; the error does not repeat it.
Result<void> check_shared_key(const SharedKey& key);

/// `Sun, 06 Nov 1994 08:49:37 GMT`, for x-ms-date.
std::string http_date(std::chrono::system_clock::time_point time);

/// Letters and digits, a letter first: names that both sort orders treat alike and that are valid
/// C# identifiers, as the service demands of metadata names.
bool valid_metadata_name(std::string_view name);

}  // namespace kiln
