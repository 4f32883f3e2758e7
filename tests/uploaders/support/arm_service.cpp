#include "tests/uploaders/support/arm_service.h"

#include <cstdlib>
#include <thread>

#include "engine/core/file.h"
#include "engine/core/text.h"
#include "uploaders/transport/http.h"

namespace kiln::test {
namespace {

constexpr auto kStartLimit = std::chrono::seconds(60);

}  // namespace

const std::string ArmService::kCompute =
    "/subscriptions/33333333-3333-3333-3333-333333333333/resourceGroups/images/providers/"
    "Microsoft.Compute";

bool has_openapi() {
  const char* shared = std::getenv("KILN_SHARED_DIR");
  return shared != nullptr &&
         std::filesystem::exists(std::filesystem::path(shared) / "azure-specs");
}

Result<std::unique_ptr<ArmService>> ArmService::start(std::vector<std::string> options) {
  KILN_TRY_ASSIGN(auto folder, TempDir::create());
  std::unique_ptr<ArmService> service(new ArmService(std::move(folder)));
  Command command;
  command.argv = {"python3",
                  std::string(KILN_SOURCE_DIR) + "/fixtures/azure/strict_arm.py",
                  "serve",
                  service->folder().string()};
  command.argv.insert(command.argv.end(), options.begin(), options.end());
  if (const char* shared = std::getenv("KILN_SHARED_DIR")) {
    command.environment.emplace_back("KILN_SHARED_DIR", shared);
  }
  command.environment.emplace_back("PYTHONDONTWRITEBYTECODE", "1");
  KILN_TRY_ASSIGN(service->child_, service->runner_->start(command));
  const auto end = std::chrono::steady_clock::now() + kStartLimit;
  while (std::chrono::steady_clock::now() < end && !service->child_->poll()) {
    if (auto endpoint = read_file(service->folder() / "endpoint")) {
      KILN_TRY_ASSIGN(const auto blobs, read_file(service->folder() / "blob-endpoint"));
      service->endpoint_ = trim(*endpoint);
      service->blob_endpoint_ = trim(blobs);
      return service;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return fail(ErrorKind::kHostNotReady,
              "Test:NoService",
              "strict_arm.py does not answer: {}",
              service->child_->error_output());
}

HttpOptions ArmService::http() const {
  HttpOptions options;
  options.ca_file = folder() / "ca.pem";
  return options;
}

Result<Cloud> ArmService::cloud() const {
  return discover_cloud(endpoint_, http(), {}, {});
}

std::map<std::string, std::string> ArmService::principal() const {
  return {
      {"AZURE_TENANT_ID", kTenant}, {"AZURE_CLIENT_ID", kClient}, {"AZURE_CLIENT_SECRET", kSecret}};
}

Result<nlohmann::json> ArmService::control(const std::string& action, const nlohmann::json* body) {
  return control_at(endpoint_ + "/__control/" + action, body);
}

Result<nlohmann::json> ArmService::control_at(const std::string& url, const nlohmann::json* body) {
  auto options = http();
  options.response_limit = 64 * kMiB;
  KILN_TRY_ASSIGN(const auto session, open_http_session(options));
  const auto text = body == nullptr ? std::string() : body->dump();
  const HttpRequest request{
      body == nullptr ? "GET" : "POST", url, {}, std::as_bytes(std::span(text))};
  KILN_TRY_ASSIGN(const auto answer, session->send(request, {}));
  if (answer.status == 200) return nlohmann::json::parse(answer.body);
  return fail(ErrorKind::kRemote, "Test:Control", "{}: HTTP {}", url, answer.status);
}

Result<void> ArmService::inject(const nlohmann::json& faults) {
  KILN_TRY(control("faults", &faults));
  return {};
}

std::string ArmService::blob_control() const {
  return blob_endpoint_.substr(0, blob_endpoint_.rfind('/')) + "/__control/";
}

Result<void> ArmService::inject_blob(const nlohmann::json& faults) {
  KILN_TRY(control_at(blob_control() + "faults", &faults));
  return {};
}

Result<nlohmann::json> ArmService::blob_statistics() {
  return control_at(blob_control() + "stats", nullptr);
}

Result<void> ArmService::expire_tokens() {
  const auto nothing = nlohmann::json::object();
  KILN_TRY(control("expire-tokens", &nothing));
  return {};
}

Result<void> ArmService::add_definition(const std::string& path,
                                        const std::string& location,
                                        const std::string& generation,
                                        const nlohmann::json& features) {
  const nlohmann::json body = {{"id", kCompute + path},
                               {"location", location},
                               {"generation", generation},
                               {"features", features}};
  KILN_TRY(control("definition", &body));
  return {};
}

Result<nlohmann::json> ArmService::state() {
  return control("state", nullptr);
}

}  // namespace kiln::test
