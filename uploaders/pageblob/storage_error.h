#pragma once

#include <string>

#include "engine/core/error.h"
#include "uploaders/transport/http.h"

namespace kiln {

/// The service's own code, e.g. `BlobAlreadyExists`, from the x-ms-error-code header or the body;
/// empty where the answer has none.
std::string storage_error_code(const HttpResponse& response);

/// An answer that is not a success, as an error `Storage:<code>` with its cure.
/// @param what the activity, e.g. `create the page blob https://…`, without any signature
/// @param credential where the credential came from, see StorageCredential::origin
Error storage_error(const HttpResponse& response,
                    const std::string& what,
                    const std::string& credential);

}  // namespace kiln
