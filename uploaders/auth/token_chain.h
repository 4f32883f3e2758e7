#pragma once

#include <memory>
#include <string_view>

#include "engine/core/process_runner.h"
#include "uploaders/auth/environment.h"
#include "uploaders/auth/managed_identity.h"
#include "uploaders/auth/token_request.h"
#include "uploaders/cloud/cloud.h"

namespace kiln {

/// Who Kiln is to Azure.
enum class AuthMethod {
  kAuto,  ///< the first of the others for which there is what it needs
  kClientSecret,
  kClientCertificate,
  kWorkloadIdentity,
  kManagedIdentity,
  kAzureCli,
};

struct TokenContext {
  const Environment& environment;
  ProcessRunner& runner;
  Redactor& redactor;
  TokenTransport transport = {};
  ManagedIdentityPlaces places = {};
};

/// In the order of AuthMethod, the first whose variables are set (AZURE_CLIENT_SECRET;
/// AZURE_CLIENT_CERTIFICATE_PATH; AZURE_FEDERATED_TOKEN_FILE; an identity's endpoint, or a virtual
/// machine of Azure's), or az where it is installed. Nothing is tried out, so a run does the same
/// whatever the network does, and a wrong credential is told instead of another one being used.
/// What `context` refers to outlives the source.
Result<std::unique_ptr<TokenSource>> choose_token_source(AuthMethod method,
                                                         const Cloud& cloud,
                                                         const TokenContext& context);

}  // namespace kiln
