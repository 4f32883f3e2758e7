#include "tests/uploaders/support/azure_service.h"

#include <cstring>
#include <thread>
#include <unistd.h>

#include "engine/core/file.h"
#include "engine/core/text.h"
#include "tests/uploaders/support/map_environment.h"

namespace kiln::test {
namespace {

const std::string kFixtures = std::string(KILN_SOURCE_DIR) + "/fixtures/azure/";

/// All of ours: npm needs to know of proxies and of its own settings.
std::vector<std::pair<std::string, std::string>> whole_environment() {
  std::vector<std::pair<std::string, std::string>> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const char* equals = std::strchr(*entry, '=');
    if (equals == nullptr) continue;
    all.emplace_back(std::string(*entry, static_cast<std::size_t>(equals - *entry)), equals + 1);
  }
  return all;
}

}  // namespace

SharedKey emulator_key() {
  return {"devstoreaccount1", Secret(kEmulatorKey)};
}

PageBlobTarget with_key(const std::string& blob_url) {
  auto location = parse_blob_location(blob_url);
  KILN_CHECK(location.has_value());
  return {*location, {emulator_key(), "the test"}};
}

PageBlobTarget with_sas(const std::string& blob_url, const std::string& sas) {
  auto target = with_key(blob_url);
  target.credential = {SasToken{Secret(sas)}, "the test"};
  return target;
}

AzureService::AzureService(std::unique_ptr<ProcessRunner> runner, TempDir folder)
    : runner_(std::move(runner)), folder_(std::move(folder)) {}

Result<std::unique_ptr<AzureService>> AzureService::start_azurite() {
  KILN_TRY_ASSIGN(auto folder, TempDir::create());
  std::unique_ptr<AzureService> service(new AzureService(make_process_runner(), std::move(folder)));
  // The first start downloads it.
  KILN_TRY(service->start({kFixtures + "azurite.sh", "run", service->folder_.path().string()},
                          std::chrono::seconds(240)));
  return service;
}

Result<std::unique_ptr<AzureService>> AzureService::start_strict(std::vector<std::string> options) {
  KILN_TRY_ASSIGN(auto folder, TempDir::create());
  std::unique_ptr<AzureService> service(new AzureService(make_process_runner(), std::move(folder)));
  std::vector<std::string> argv = {
      "python3", kFixtures + "strict_page_blob.py", "serve", service->folder_.path().string()};
  argv.insert(argv.end(), options.begin(), options.end());
  KILN_TRY(service->start(std::move(argv), std::chrono::seconds(60)));
  return service;
}

Result<void> AzureService::start(std::vector<std::string> argv, std::chrono::seconds limit) {
  const auto program = argv.front() == "python3" ? argv[1] : argv.front();
  Command command;
  command.argv = std::move(argv);
  command.environment = whole_environment();
  KILN_TRY_ASSIGN(child_, runner_->start(command));
  const auto end = std::chrono::steady_clock::now() + limit;
  while (std::chrono::steady_clock::now() < end && !child_->poll()) {
    if (auto text = read_file(folder_.path() / "endpoint")) {
      endpoint_ = trim(*text);
      return {};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return fail(ErrorKind::kHostNotReady,
              "Test:NoService",
              "{} does not answer: {}",
              program,
              child_->error_output());
}

Result<HttpResponse> AzureService::signed_request(const std::string& method,
                                                  const std::string& url,
                                                  HttpHeaders headers) {
  HttpOptions options;
  options.response_limit = kGiB;
  KILN_TRY_ASSIGN(const auto session, open_http_session(options));
  HttpRequest request{method, url, std::move(headers), {}};
  request.headers.add("x-ms-version", std::string(kNewestServiceVersion));
  const StorageCredential credential{emulator_key(), "the test"};
  KILN_TRY(authorize(credential, std::chrono::system_clock::now(), request));
  return session->send(request, {});
}

Result<std::string> AzureService::make_container() {
  auto url = fmt::format("{}/container{}", endpoint_, ++containers_);
  KILN_TRY_ASSIGN(const auto answer, signed_request("PUT", url + "?restype=container", {}));
  if (answer.status == 201) return url;
  return fail(ErrorKind::kRemote, "Test:Container", "HTTP {} {}", answer.status, answer.body);
}

Result<std::string> AzureService::sas(const std::string& url, std::vector<std::string> arguments) {
  Command command;
  command.argv = {"python3", kFixtures + "strict_page_blob.py", "sas", url};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  KILN_TRY_ASSIGN(const auto output, run_checked(*runner_, command, {}));
  return std::string(trim(output.out));
}

Result<std::string> AzureService::download(const std::string& blob_url) {
  KILN_TRY_ASSIGN(auto answer, signed_request("GET", blob_url, {}));
  if (answer.status == 200) return std::move(answer.body);
  return fail(ErrorKind::kRemote, "Test:Download", "HTTP {} {}", answer.status, answer.body);
}

Result<int> AzureService::status_of(const std::string& method,
                                    const std::string& blob_url,
                                    HttpHeaders headers,
                                    const std::string& query) {
  const auto url = blob_url + (query.empty() ? "" : "?" + query);
  KILN_TRY_ASSIGN(const auto answer, signed_request(method, url, std::move(headers)));
  return answer.status;
}

Result<std::string> AzureService::control(const std::string& method,
                                          const std::string& action,
                                          const std::string& body) {
  KILN_TRY_ASSIGN(const auto session, open_http_session());
  const auto root = endpoint_.substr(0, endpoint_.rfind('/'));
  const HttpRequest request{
      method, root + "/__control/" + action, {}, std::as_bytes(std::span(body))};
  KILN_TRY_ASSIGN(auto answer, session->send(request, {}));
  if (answer.status == 200) return std::move(answer.body);
  return fail(ErrorKind::kRemote, "Test:Control", "{}: HTTP {}", action, answer.status);
}

Result<void> AzureService::inject(const nlohmann::json& faults) {
  KILN_TRY(control("POST", "faults", faults.dump()));
  return {};
}

Result<void> AzureService::accept_tokens(const std::vector<std::string>& tokens) {
  KILN_TRY(control("POST", "tokens", nlohmann::json(tokens).dump()));
  return {};
}

Result<nlohmann::json> AzureService::statistics() {
  KILN_TRY_ASSIGN(const auto text, control("GET", "stats", ""));
  return nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
}

Result<void> AzureService::reset() {
  KILN_TRY(control("POST", "reset", ""));
  return {};
}

}  // namespace kiln::test
