#pragma once

#include <memory>
#include <string>

#include "uploaders/auth/environment.h"
#include "uploaders/auth/token_request.h"
#include "uploaders/cloud/cloud.h"

namespace kiln {

// An application's own identity, at Entra ID or AD FS, by what proves it. The tenant `adfs`, or a
// cloud that says so, means AD FS, whose tokens are asked for by resource instead of by scope.
// AZURE_AUTHORITY_HOST overrides the cloud's authority. What is missing is an error.

/// AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET.
Result<std::unique_ptr<TokenSource>> make_client_secret_source(const Cloud& cloud,
                                                               const Environment& environment,
                                                               const TokenTransport& transport,
                                                               Redactor& redactor);

/// AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_CERTIFICATE_PATH, and where the key has one,
/// AZURE_CLIENT_CERTIFICATE_PASSWORD.
Result<std::unique_ptr<TokenSource>> make_client_certificate_source(const Cloud& cloud,
                                                                    const Environment& environment,
                                                                    const TokenTransport& transport,
                                                                    Redactor& redactor);

/// AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_FEDERATED_TOKEN_FILE, which is read for each token, as
/// whoever writes it replaces it.
Result<std::unique_ptr<TokenSource>> make_workload_identity_source(const Cloud& cloud,
                                                                   const Environment& environment,
                                                                   const TokenTransport& transport,
                                                                   Redactor& redactor);

}  // namespace kiln
