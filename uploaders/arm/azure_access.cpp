#include "uploaders/arm/azure_access.h"

#include "uploaders/auth/bearer_tokens.h"

namespace kiln {

AzureAccess::AzureAccess(Cloud cloud,
                         AuthMethod method,
                         TokenContext context,
                         ArmOptions options,
                         StagingContainer staging)
    : cloud_(std::move(cloud)),
      method_(method),
      context_(std::move(context)),
      options_(std::move(options)),
      staging_(std::move(staging)) {}

Result<ArmClient> AzureAccess::client(const ArmOptions& options) {
  KILN_TRY_ASSIGN(auto secret, tokens(cloud_.audience));
  return ArmClient::open(cloud_.resource_manager, std::move(secret), options);
}

Result<StorageCredential> AzureAccess::storage_credential(const BlobLocation& location) {
  auto found = find_storage_credential(location, context_.environment, context_.redactor);
  if (found || found.error().code() != "Auth:NoCredential") return found;
  const bool own = location.url.host.ends_with(".blob." + cloud_.storage_suffix);
  if (cloud_.storage_audience.empty() || !own) return found;
  KILN_TRY_ASSIGN(auto secret, tokens(cloud_.storage_audience));
  const std::lock_guard lock(mutex_);
  return StorageCredential{BearerToken{std::move(secret)}, source_->origin()};
}

Result<std::shared_ptr<RenewableSecret>> AzureAccess::tokens(const std::string& audience) {
  const std::lock_guard lock(mutex_);
  if (!source_) {
    KILN_TRY_ASSIGN(source_, choose_token_source(method_, cloud_, context_));
  }
  auto& tokens = tokens_[audience];
  if (!tokens) tokens = std::make_shared<BearerTokens>(*source_, audience, context_.redactor);
  return tokens;
}

}  // namespace kiln
