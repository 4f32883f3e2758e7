#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "engine/core/error.h"
#include "uploaders/transport/http.h"

namespace kiln {

/// The resource manager's own code, e.g. `ResourceGroupNotFound`; empty where the answer has none.
std::string arm_error_code(const HttpResponse& response);

/// An answer that is not a success, as an error `Arm:<code>` with its message, the ids that the
/// service's support asks for, and its cure.
/// @param what the activity, e.g. `create /subscriptions/…/disks/d`
Error arm_error(const HttpResponse& response, const std::string& what);

/// The same for an operation that failed after it had been accepted.
/// @param error the `error` member of its state
Error arm_operation_error(const nlohmann::json& error,
                          const HttpResponse& response,
                          const std::string& what);

}  // namespace kiln
