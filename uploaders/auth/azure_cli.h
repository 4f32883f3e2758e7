#pragma once

#include <memory>

#include "engine/core/process_runner.h"
#include "uploaders/auth/bearer_tokens.h"
#include "uploaders/auth/environment.h"

namespace kiln {

/// What `az login` left: tokens from `az account get-access-token`, of AZURE_TENANT_ID where that
/// is set. az has its own idea of the cloud (`az cloud set`).
/// @param environment, runner outlive the source
std::unique_ptr<TokenSource> make_azure_cli_source(const Environment& environment,
                                                   ProcessRunner& runner);

/// The token in az's JSON. Older ones tell only the local time at which it expires.
Result<AccessToken> parse_azure_cli_token(const std::string& json);

}  // namespace kiln
