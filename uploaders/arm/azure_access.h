#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "uploaders/arm/arm_client.h"
#include "uploaders/auth/storage_credential.h"
#include "uploaders/auth/token_chain.h"

namespace kiln {

/// Where page blobs go that images are made of, instead of managed disks.
struct StagingContainer {
  std::string url;         ///< empty for none
  std::string account_id;  ///< the account's resource id, which gallery versions need; may be empty
};

/// The cloud that targets go to, and who Kiln is there. The credential is looked for when it is
/// first needed, so that whoever sends nothing to Azure needs none. Safe from several threads.
class AzureAccess {
 public:
  /// @param context what it refers to outlives this object
  AzureAccess(Cloud cloud,
              AuthMethod method,
              TokenContext context,
              ArmOptions options,
              StagingContainer staging = {});

  [[nodiscard]] const Cloud& cloud() const { return cloud_; }
  [[nodiscard]] const ArmOptions& options() const { return options_; }
  [[nodiscard]] const StagingContainer& staging() const { return staging_; }
  [[nodiscard]] Redactor& redactor() const { return context_.redactor; }

  /// A connection of the caller's own.
  Result<ArmClient> client() { return client(options_); }
  Result<ArmClient> client(const ArmOptions& options);
  /// find_storage_credential's, and where that finds none, a token: for the blobs of this cloud
  /// only, as whoever is asked sees it.
  Result<StorageCredential> storage_credential(const BlobLocation& location);

 private:
  Result<std::shared_ptr<RenewableSecret>> tokens(const std::string& audience);

  Cloud cloud_;
  AuthMethod method_;
  TokenContext context_;
  ArmOptions options_;
  StagingContainer staging_;
  std::mutex mutex_;
  std::unique_ptr<TokenSource> source_;
  std::map<std::string, std::shared_ptr<BearerTokens>> tokens_;  ///< by audience
};

}  // namespace kiln
