#include "uploaders/auth/azure_cli.h"

#include <array>
#include <ctime>
#include <utility>

#include <nlohmann/json.hpp>

namespace kiln {
namespace {

constexpr auto kTimeLimit = std::chrono::minutes(2);
/// What az needs of ours to find its own files and the network.
constexpr std::array kPassedOn = {"AZURE_CONFIG_DIR",
                                  "REQUESTS_CA_BUNDLE",
                                  "HTTP_PROXY",
                                  "HTTPS_PROXY",
                                  "NO_PROXY",
                                  "http_proxy",
                                  "https_proxy",
                                  "no_proxy"};

class AzureCli : public TokenSource {
 public:
  AzureCli(const Environment& environment, ProcessRunner& runner)
      : environment_(environment), runner_(runner) {}

  [[nodiscard]] const std::string& origin() const override { return origin_; }

  Result<AccessToken> request(const std::string& audience, const CancelToken& cancel) override {
    Command command;
    command.argv = {
        "az", "account", "get-access-token", "--output", "json", "--resource", audience};
    if (const auto tenant = environment_.get("AZURE_TENANT_ID")) {
      command.argv.insert(command.argv.end(), {"--tenant", *tenant});
    }
    for (const char* name : kPassedOn) {
      if (auto value = environment_.get(name)) {
        command.environment.emplace_back(name, *std::move(value));
      }
    }
    command.time_limit = kTimeLimit;
    auto output = run_checked(runner_, command, cancel);
    if (!output && output.error().kind() == ErrorKind::kCancelled) {
      return std::move(output).error();
    }
    if (!output) {
      return std::move(output).error().cure(
          "run `az login`, in the right cloud (`az cloud set`), or choose another credential with "
          "--auth");
    }
    return parse_azure_cli_token(output->out);
  }

 private:
  const Environment& environment_;
  ProcessRunner& runner_;
  std::string origin_ = "`az login`";
};

/// `2026-01-31 12:00:00.000000`, in this host's time zone.
std::optional<std::chrono::system_clock::time_point> local_time(const std::string& text) {
  std::tm parts{};
  if (::strptime(text.c_str(), "%Y-%m-%d %H:%M:%S", &parts) == nullptr) return std::nullopt;
  parts.tm_isdst = -1;
  return std::chrono::system_clock::from_time_t(std::mktime(&parts));
}

}  // namespace

std::unique_ptr<TokenSource> make_azure_cli_source(const Environment& environment,
                                                   ProcessRunner& runner) {
  return std::make_unique<AzureCli>(environment, runner);
}

Result<AccessToken> parse_azure_cli_token(const std::string& json) {
  const auto body = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  const auto unreadable = [] {
    return fail(ErrorKind::kHostNotReady,
                "Auth:AzureCli",
                "`az account get-access-token` printed no token that can be read")
        .cure("choose another credential with --auth");
  };
  if (!body.is_object() || !body.contains("accessToken") || !body["accessToken"].is_string()) {
    return unreadable();
  }
  AccessToken token{Secret(body["accessToken"].get<std::string>()), {}};
  if (token.value.empty()) return unreadable();
  if (body.contains("expires_on") && body["expires_on"].is_number_integer()) {
    token.expires = std::chrono::system_clock::from_time_t(body["expires_on"].get<std::time_t>());
    return token;
  }
  if (!body.contains("expiresOn") || !body["expiresOn"].is_string()) return unreadable();
  const auto expires = local_time(body["expiresOn"].get<std::string>());
  if (!expires) return unreadable();
  token.expires = *expires;
  return token;
}

}  // namespace kiln
