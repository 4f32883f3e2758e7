#pragma once

#include <filesystem>
#include <memory>

#include "engine/core/fetcher.h"
#include "uploaders/transport/retry.h"

namespace kiln {

/// Plain paths and `file:` are read from this host, `http:` and `https:` are fetched with retries.
/// @param base what relative paths are relative to, usually the template's folder
std::unique_ptr<Fetcher> make_fetcher(std::filesystem::path base,
                                      RetryPolicy policy = {},
                                      HttpOptions options = {});

/// The path behind a `file:` URI or a plain path; nothing where the text names something else.
Result<std::filesystem::path> local_path(const std::string& uri, const std::filesystem::path& base);

}  // namespace kiln
