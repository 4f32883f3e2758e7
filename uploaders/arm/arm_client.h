#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "uploaders/auth/renewable_secret.h"
#include "uploaders/transport/retry.h"

namespace kiln {

/// A resource by its id, with the api-version that its type is spoken to in.
struct ArmResource {
  std::string id;
  std::string api_version;

  [[nodiscard]] ArmResource child(const std::string& path) const {
    return {id + "/" + path, api_version};
  }
};

struct ArmOptions {
  HttpOptions http = {};
  RetryPolicy retry = {
      .attempts = 10,
      .first_delay = std::chrono::seconds(1),
      .longest_delay = std::chrono::minutes(5),
  };
  std::chrono::milliseconds poll_interval{5'000};    ///< where the service names none
  std::chrono::seconds longest_operation{4 * 3600};  ///< replication takes long
};

/// Requests to Azure Resource Manager over one connection; for one thread. Throttling, transient
/// failures and "another operation is in progress" are retried, an expired token is renewed once,
/// and what the service does in the background is waited for.
class ArmClient {
 public:
  /// @param resource_manager URL without a slash at its end; tokens are sent to its host and the
  ///   hosts below it only
  static Result<ArmClient> open(std::string resource_manager,
                                std::shared_ptr<RenewableSecret> tokens,
                                ArmOptions options = {});

  /// Nothing where the resource, or what it would be in, is not there.
  Result<std::optional<nlohmann::json>> get(const ArmResource& resource, const CancelToken& cancel);
  /// All pages of a collection.
  Result<std::vector<nlohmann::json>> list(const ArmResource& collection,
                                           const CancelToken& cancel);
  /// Creates or updates, and returns the resource as it is in the end.
  Result<nlohmann::json> put(const ArmResource& resource,
                             const nlohmann::json& body,
                             const CancelToken& cancel);
  /// Waits until a resource that somebody is making or changing has a final state.
  Result<nlohmann::json> settle(const ArmResource& resource, const CancelToken& cancel);
  /// @param body sent where it is no null
  /// @return the final result, or null where the action has none
  Result<nlohmann::json> post(const ArmResource& resource,
                              const std::string& action,
                              const nlohmann::json& body,
                              const CancelToken& cancel);
  /// A resource that is not there counts as deleted.
  Result<void> remove(const ArmResource& resource, const CancelToken& cancel);

 private:
  struct Call;
  ArmClient(std::string resource_manager,
            std::shared_ptr<RenewableSecret> tokens,
            ArmOptions options,
            std::unique_ptr<HttpSession> session);
  Result<HttpResponse> send(const Call& call, const CancelToken& cancel);
  Result<HttpResponse> send_once(const Call& call, Secret& used, const CancelToken& cancel);
  Result<nlohmann::json> run(const Call& call, const CancelToken& cancel);
  Result<nlohmann::json> wait(const Call& call, HttpResponse first, const CancelToken& cancel);
  [[nodiscard]] Result<void> require_own(const std::string& url) const;

  std::string resource_manager_;
  std::shared_ptr<RenewableSecret> tokens_;
  ArmOptions options_;
  std::unique_ptr<HttpSession> session_;
};

}  // namespace kiln
