#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "uploaders/arm/arm_client.h"
#include "uploaders/auth/storage_credential.h"
#include "uploaders/auth/token_chain.h"

namespace kiln {

/// The cloud that targets go to, and who Kiln is there. The credential is looked for when it is
/// first needed, so that whoever sends nothing to Azure needs none. Safe from several threads.
class AzureAccess {
 public:
  /// @param staging_container URL of a container for what images are made of; empty for none
  /// @param context what it refers to outlives this object
  AzureAccess(Cloud cloud,
              AuthMethod method,
              TokenContext context,
              ArmOptions options,
              std::string staging_container = {});

  [[nodiscard]] const Cloud& cloud() const { return cloud_; }
  [[nodiscard]] const ArmOptions& options() const { return options_; }
  [[nodiscard]] const std::string& staging_container() const { return staging_container_; }
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
  std::string staging_container_;
  std::mutex mutex_;
  std::unique_ptr<TokenSource> source_;
  std::map<std::string, std::shared_ptr<BearerTokens>> tokens_;  ///< by audience
};

}  // namespace kiln
