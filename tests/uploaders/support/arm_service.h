#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/core/process_runner.h"
#include "engine/core/temp_dir.h"
#include "tests/uploaders/support/map_environment.h"
#include "uploaders/cloud/cloud.h"

namespace kiln::test {

/// Our strict fake of Azure Resource Manager, with its page blob server and its issuers of tokens,
/// on this host's loopback for as long as the object lives.
class ArmService {
 public:
  /// @param options of `strict_arm.py serve`
  static Result<std::unique_ptr<ArmService>> start(std::vector<std::string> options = {});

  // Who the fake knows; fixtures/azure/arm_identity.py.
  static constexpr const char* kTenant = "11111111-1111-1111-1111-111111111111";
  static constexpr const char* kClient = "22222222-2222-2222-2222-222222222222";
  static constexpr const char* kSecret = "planted~client.secret-0123456789";
  static constexpr const char* kFederatedToken = "planted.federated-token-0123456789";
  static constexpr const char* kIdentityHeader = "planted-identity-header-0123456789";
  static constexpr const char* kArcAnswer = "planted-arc-answer-0123456789";
  /// `/subscriptions/…/resourceGroups/images/providers/Microsoft.Compute`
  static const std::string kCompute;

  /// `https://127.0.0.1:PORT`
  [[nodiscard]] const std::string& endpoint() const { return endpoint_; }
  /// `http://127.0.0.1:PORT/devstoreaccount1`, with a container `staging`
  [[nodiscard]] const std::string& blob_endpoint() const { return blob_endpoint_; }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }
  [[nodiscard]] HttpOptions http() const;
  /// What its metadata endpoint tells.
  [[nodiscard]] Result<Cloud> cloud() const;
  /// The variables of the service principal with a secret.
  [[nodiscard]] std::map<std::string, std::string> principal() const;

  Result<void> inject(const nlohmann::json& faults);
  /// The same for its page blob server, see strict_page_blob.py.
  Result<void> inject_blob(const nlohmann::json& faults);
  Result<nlohmann::json> blob_statistics();
  Result<void> expire_tokens();
  /// A gallery's image definition, below kCompute.
  Result<void> add_definition(const std::string& path,
                              const std::string& location,
                              const std::string& generation,
                              const nlohmann::json& features = nlohmann::json::array());
  /// Everything it knows, see strict_arm.py.
  Result<nlohmann::json> state();

 private:
  explicit ArmService(TempDir folder) : folder_(std::move(folder)) {}
  Result<nlohmann::json> control(const std::string& action, const nlohmann::json* body);
  [[nodiscard]] std::string blob_control() const;
  Result<nlohmann::json> control_at(const std::string& url, const nlohmann::json* body);

  std::unique_ptr<ProcessRunner> runner_ = make_process_runner();
  TempDir folder_;
  std::unique_ptr<ChildProcess> child_;
  std::string endpoint_;
  std::string blob_endpoint_;
};

/// Whether the descriptions are there that the fake holds requests and answers against.
bool has_openapi();

}  // namespace kiln::test
