#pragma once

#include <optional>
#include <string>

#include "engine/core/result.h"
#include "uploaders/transport/http.h"

namespace kiln {

/// How the end of a request is found out, by the rules of the resource manager's asynchronous
/// operations.
struct Operation {
  enum class Style {
    kDone,      ///< the answer was the end
    kState,     ///< `url` tells a state (Azure-AsyncOperation)
    kResult,    ///< `url` answers 202 until it answers with the result (Location)
    kResource,  ///< the resource has a provisioningState, or is gone after DELETE
  };
  Style style = Style::kDone;
  std::string url;     ///< for kState and kResult
  std::string result;  ///< for kState: where the result is afterwards (Location); empty for none
};

/// What the first answer, which is a success, leads to.
Operation follow_up(const std::string& method, const HttpResponse& first);

/// Whether an answer to a look at the operation is its end. An operation that failed or was
/// cancelled is an error, and so is an answer that does not tell the state.
/// @param what the activity, for the error
Result<bool> is_finished(const Operation& operation,
                         const std::string& method,
                         const HttpResponse& answer,
                         const std::string& what);

}  // namespace kiln
