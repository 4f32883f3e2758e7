#pragma once

#include <string>
#include <utility>
#include <vector>

#include "uploaders/auth/bearer_tokens.h"
#include "uploaders/transport/retry.h"

namespace kiln {

/// How the hosts that issue tokens are spoken to.
struct TokenTransport {
  HttpOptions http;
  RetryPolicy retry;
};

/// The fields of a form, in order; values are encoded by send_token_form.
using TokenForm = std::vector<std::pair<std::string, std::string>>;

/// POSTs a form to a token endpoint (RFC 6749) and reads its answer.
/// @param origin whose credential it is, for messages
Result<AccessToken> send_token_form(const std::string& url,
                                    const TokenForm& form,
                                    const std::string& origin,
                                    const TokenTransport& transport,
                                    const CancelToken& cancel);

/// The answer of a token endpoint or of a managed identity's, as a token or as the error that it
/// tells. The life of a token is in `expires_in` or `expires_on`, as a number or as a text of one.
Result<AccessToken> read_token(const HttpResponse& response,
                               const std::string& origin,
                               std::chrono::system_clock::time_point now);

}  // namespace kiln
