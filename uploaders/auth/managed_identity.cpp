#include "uploaders/auth/managed_identity.h"

#include <algorithm>
#include <array>

#include "engine/core/file.h"
#include "engine/core/text.h"
#include "uploaders/transport/url.h"

namespace kiln {
namespace {

/// What every virtual machine of Azure's carries in its firmware tables.
constexpr std::string_view kAzureChassis = "7783-7084-3265-9085-8269-3286-77";
constexpr std::uint64_t kLargestChallenge = 4096;

std::string encoded(std::string_view text) {
  return percent_encode(text, /*keep_slashes=*/false);
}

/// One GET at a place that only this machine reaches.
class ManagedIdentity : public TokenSource {
 public:
  ManagedIdentity(std::string endpoint, TokenTransport transport, std::string origin)
      : endpoint_(std::move(endpoint)),
        transport_(std::move(transport)),
        origin_(std::move(origin)) {
    transport_.http.use_proxy = false;
  }

  [[nodiscard]] const std::string& origin() const override { return origin_; }

 protected:
  Result<HttpResponse> get(const std::string& query,
                           const HttpHeaders& headers,
                           const CancelToken& cancel) const {
    KILN_TRY_ASSIGN(const auto session, open_http_session(transport_.http));
    const auto make = [&]() -> Result<HttpRequest> {
      return HttpRequest{"GET", endpoint_ + "?" + query, headers, {}};
    };
    RetryHooks hooks;
    // 404 and 410: the service is being updated, by its documentation.
    hooks.again = [](const HttpResponse& answer) {
      return worth_retrying(answer.status) || answer.status == 404 || answer.status == 410;
    };
    auto exchange = send_with_retry(*session, make, transport_.retry, cancel, hooks);
    if (exchange) return std::move(exchange->response);
    return std::move(exchange)
        .error()
        .while_doing("asking for " + origin_)
        .cure("choose another credential with --auth");
  }
  Result<AccessToken> read(const HttpResponse& response) const {
    return read_token(response, origin_, std::chrono::system_clock::now());
  }

 private:
  std::string endpoint_;
  TokenTransport transport_;
  std::string origin_;
};

class InstanceMetadata : public ManagedIdentity {
 public:
  InstanceMetadata(const std::string& host, TokenTransport transport, std::string client_id)
      : ManagedIdentity(host + "/metadata/identity/oauth2/token",
                        std::move(transport),
                        "this machine's managed identity"),
        client_id_(std::move(client_id)) {}

  Result<AccessToken> request(const std::string& audience, const CancelToken& cancel) override {
    auto query = "api-version=2018-02-01&resource=" + encoded(audience);
    if (!client_id_.empty()) query += "&client_id=" + encoded(client_id_);
    KILN_TRY_ASSIGN(const auto answer, get(query, {{"Metadata", "true"}}, cancel));
    return read(answer);
  }

 private:
  std::string client_id_;
};

class AppService : public ManagedIdentity {
 public:
  AppService(std::string endpoint, TokenTransport transport, Secret header, std::string client_id)
      : ManagedIdentity(
            std::move(endpoint), std::move(transport), "the managed identity at IDENTITY_ENDPOINT"),
        header_(std::move(header)),
        client_id_(std::move(client_id)) {}

  Result<AccessToken> request(const std::string& audience, const CancelToken& cancel) override {
    auto query = "api-version=2019-08-01&resource=" + encoded(audience);
    if (!client_id_.empty()) query += "&client_id=" + encoded(client_id_);
    KILN_TRY_ASSIGN(const auto answer,
                    get(query, {{"X-IDENTITY-HEADER", header_.reveal()}}, cancel));
    return read(answer);
  }

 private:
  Secret header_;
  std::string client_id_;
};

/// Azure Arc proves by a file that only members of its group can read that who asks may.
class Arc : public ManagedIdentity {
 public:
  Arc(std::string endpoint,
      TokenTransport transport,
      Redactor& redactor,
      std::filesystem::path tokens)
      : ManagedIdentity(
            std::move(endpoint), std::move(transport), "this machine's identity in Azure Arc"),
        redactor_(redactor),
        tokens_(std::move(tokens)) {}

  Result<AccessToken> request(const std::string& audience, const CancelToken& cancel) override {
    const auto query = "api-version=2019-11-01&resource=" + encoded(audience);
    KILN_TRY_ASSIGN(const auto challenge, get(query, {{"Metadata", "true"}}, cancel));
    if (challenge.status != 401) return read(challenge);
    KILN_TRY_ASSIGN(const auto answer, read_answer(challenge));
    const HttpHeaders headers = {{"Metadata", "true"},
                                 {"Authorization", "Basic " + answer.reveal()}};
    KILN_TRY_ASSIGN(const auto granted, get(query, headers, cancel));
    return read(granted);
  }

 private:
  /// Only a file where the agent puts them: whoever answers at the endpoint could otherwise have
  /// any file of this host sent to itself.
  [[nodiscard]] Result<Secret> read_answer(const HttpResponse& challenge) const {
    constexpr std::string_view kRealm = "Basic realm=";
    const auto header = challenge.headers.value("WWW-Authenticate");
    const std::filesystem::path named =
        header.starts_with(kRealm) ? std::string(trim(header.substr(kRealm.size()))) : "";
    std::error_code error;
    const auto file = std::filesystem::canonical(named, error);
    if (error || file.extension() != ".key" ||
        file.parent_path() != std::filesystem::weakly_canonical(tokens_)) {
      return fail(ErrorKind::kHostNotReady,
                  "Auth:ArcChallenge",
                  "Azure Arc's agent names \"{}\", which is no key file in {}",
                  printable(named.string(), 120),
                  tokens_.string())
          .cure("look at `azcmagent show`, and be a member of its group (himds)");
    }
    auto contents = read_file(file, kLargestChallenge);
    if (!contents) {
      return std::move(contents).error().cure("be a member of the agent's group (himds)");
    }
    Secret answer{std::string(trim(*contents))};
    redactor_.add(answer);
    return answer;
  }

  Redactor& redactor_;
  std::filesystem::path tokens_;
};

}  // namespace

bool has_managed_identity(const Environment& environment, const ManagedIdentityPlaces& places) {
  if (environment.get("IDENTITY_ENDPOINT")) return true;
  if (environment.get("AZURE_POD_IDENTITY_AUTHORITY_HOST")) return true;
  const auto tag = read_file(places.chassis_tag, kKiB);
  return tag && trim(*tag) == kAzureChassis;
}

std::unique_ptr<TokenSource> make_managed_identity_source(const Environment& environment,
                                                          const TokenTransport& transport,
                                                          Redactor& redactor,
                                                          ManagedIdentityPlaces places) {
  auto client_id = environment.get("AZURE_CLIENT_ID").value_or("");
  const auto endpoint = environment.get("IDENTITY_ENDPOINT");
  if (const auto header = environment.get("IDENTITY_HEADER"); endpoint && header) {
    redactor.add(Secret(*header));
    return std::make_unique<AppService>(
        *endpoint, transport, Secret(*header), std::move(client_id));
  }
  if (endpoint && environment.get("IMDS_ENDPOINT")) {
    return std::make_unique<Arc>(*endpoint, transport, redactor, std::move(places.arc_tokens));
  }
  auto host = environment.get("AZURE_POD_IDENTITY_AUTHORITY_HOST")
                  .value_or(std::move(places.instance_metadata));
  while (host.ends_with('/')) host.pop_back();
  return std::make_unique<InstanceMetadata>(host, transport, std::move(client_id));
}

}  // namespace kiln
