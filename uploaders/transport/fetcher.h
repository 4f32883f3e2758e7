#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "engine/core/fetcher.h"
#include "uploaders/transport/retry.h"

namespace kiln {

/// Adds what its host demands of who reads there; false where there is nothing to add.
using RequestSigner = std::function<Result<bool>(HttpRequest& request)>;

/// Plain paths and `file:` are read from this host, `http:` and `https:` are fetched with retries.
/// @param base what relative paths are relative to, usually the template's folder
/// @param signer asked when a server refuses a request without a credential; what it signs follows
///   no redirect
std::unique_ptr<Fetcher> make_fetcher(std::filesystem::path base,
                                      RetryPolicy policy = {},
                                      HttpOptions options = {},
                                      RequestSigner signer = {});

/// The path behind a `file:` URI or a plain path; nothing where the text names something else.
Result<std::filesystem::path> local_path(const std::string& uri, const std::filesystem::path& base);

}  // namespace kiln
