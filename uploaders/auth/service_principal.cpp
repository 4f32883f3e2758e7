#include "uploaders/auth/service_principal.h"

#include <filesystem>

#include "engine/core/file.h"
#include "engine/core/text.h"
#include "uploaders/auth/client_assertion.h"
#include "uploaders/transport/url.h"

namespace kiln {
namespace {

constexpr std::uint64_t kLargestFile = kMiB;

/// Who asks, and where.
struct Principal {
  std::string client_id;
  std::string token_url;
  bool adfs = false;
};

Result<std::string> need(const Environment& environment,
                         const std::string& name,
                         std::string_view purpose) {
  if (auto value = environment.get(name)) return *std::move(value);
  return fail(ErrorKind::kHostNotReady, "Auth:Incomplete", "{} is not set, {}", name, purpose)
      .cure("set " + name);
}

bool is_tenant(std::string_view text) {
  return !text.empty() && text.find_first_not_of(
                              "abcdefghijklmnopqrstuvwxyz"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") == std::string_view::npos;
}

Result<Principal> find_principal(const Cloud& cloud, const Environment& environment) {
  Principal principal;
  KILN_TRY_ASSIGN(principal.client_id,
                  need(environment, "AZURE_CLIENT_ID", "the id of the application"));
  auto authority = environment.get("AZURE_AUTHORITY_HOST").value_or(cloud.login);
  while (authority.ends_with('/')) authority.pop_back();
  KILN_TRY_ASSIGN(const auto url, parse_url(authority));
  if (url.scheme != "https" && !is_loopback(url)) {
    return fail(ErrorKind::kHostNotReady,
                "Auth:NotEncrypted",
                "the authority {} is not https",
                redact_url(authority))
        .cure("correct AZURE_AUTHORITY_HOST");
  }
  const auto tenant = environment.get("AZURE_TENANT_ID").value_or(cloud.adfs ? "adfs" : "");
  principal.adfs = cloud.adfs || equal_ignoring_case(tenant, "adfs");
  if (principal.adfs) {
    principal.token_url = authority + "/adfs/oauth2/token";
    return principal;
  }
  if (!is_tenant(tenant)) {
    return fail(ErrorKind::kHostNotReady,
                "Auth:Incomplete",
                "AZURE_TENANT_ID is not set, or is no tenant")
        .cure("set AZURE_TENANT_ID to the tenant's id or domain");
  }
  principal.token_url = fmt::format("{}/{}/oauth2/v2.0/token", authority, tenant);
  return principal;
}

/// What every application's request has; a kind adds its proof.
class ServicePrincipal : public TokenSource {
 public:
  ServicePrincipal(Principal principal, TokenTransport transport, std::string origin)
      : principal_(std::move(principal)),
        transport_(std::move(transport)),
        origin_(std::move(origin)) {}

  [[nodiscard]] const std::string& origin() const override { return origin_; }

  Result<AccessToken> request(const std::string& audience, const CancelToken& cancel) override {
    TokenForm form = {{"grant_type", "client_credentials"}, {"client_id", principal_.client_id}};
    // An audience that ends in a slash keeps it: tokens are checked against it literally.
    if (principal_.adfs) {
      form.emplace_back("resource", audience);
    } else {
      form.emplace_back("scope", audience + "/.default");
    }
    KILN_TRY(prove(form));
    return send_token_form(principal_.token_url, form, origin_, transport_, cancel);
  }

 protected:
  virtual Result<void> prove(TokenForm& form) = 0;
  [[nodiscard]] const Principal& principal() const { return principal_; }

  static void add_assertion(TokenForm& form, std::string assertion) {
    form.emplace_back("client_assertion_type",
                      "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    form.emplace_back("client_assertion", std::move(assertion));
  }

 private:
  Principal principal_;
  TokenTransport transport_;
  std::string origin_;
};

class BySecret : public ServicePrincipal {
 public:
  BySecret(Principal principal, TokenTransport transport, Secret secret)
      : ServicePrincipal(
            std::move(principal), std::move(transport), "the secret in AZURE_CLIENT_SECRET"),
        secret_(std::move(secret)) {}

 private:
  Result<void> prove(TokenForm& form) override {
    form.emplace_back("client_secret", secret_.reveal());
    return {};
  }
  Secret secret_;
};

class ByCertificate : public ServicePrincipal {
 public:
  ByCertificate(Principal principal,
                TokenTransport transport,
                std::unique_ptr<ClientCertificate> certificate,
                Redactor& redactor)
      : ServicePrincipal(std::move(principal),
                         std::move(transport),
                         "the certificate in AZURE_CLIENT_CERTIFICATE_PATH"),
        certificate_(std::move(certificate)),
        redactor_(redactor) {}

 private:
  Result<void> prove(TokenForm& form) override {
    KILN_TRY_ASSIGN(
        auto assertion,
        certificate_->assertion(
            principal().client_id, principal().token_url, std::chrono::system_clock::now()));
    redactor_.add(Secret(assertion));
    add_assertion(form, std::move(assertion));
    return {};
  }
  std::unique_ptr<ClientCertificate> certificate_;
  Redactor& redactor_;
};

class ByFederatedToken : public ServicePrincipal {
 public:
  ByFederatedToken(Principal principal,
                   TokenTransport transport,
                   std::filesystem::path file,
                   Redactor& redactor)
      : ServicePrincipal(std::move(principal),
                         std::move(transport),
                         "the federated token in AZURE_FEDERATED_TOKEN_FILE"),
        file_(std::move(file)),
        redactor_(redactor) {}

 private:
  Result<void> prove(TokenForm& form) override {
    KILN_TRY_ASSIGN(const auto contents, read_file(file_, kLargestFile));
    std::string assertion(trim(contents));
    redactor_.add(Secret(assertion));
    add_assertion(form, std::move(assertion));
    return {};
  }
  std::filesystem::path file_;
  Redactor& redactor_;
};

}  // namespace

Result<std::unique_ptr<TokenSource>> make_client_secret_source(const Cloud& cloud,
                                                               const Environment& environment,
                                                               const TokenTransport& transport,
                                                               Redactor& redactor) {
  KILN_TRY_ASSIGN(auto secret,
                  need(environment, "AZURE_CLIENT_SECRET", "the application's secret"));
  redactor.add(Secret(secret));
  KILN_TRY_ASSIGN(auto principal, find_principal(cloud, environment));
  return std::make_unique<BySecret>(std::move(principal), transport, Secret(std::move(secret)));
}

Result<std::unique_ptr<TokenSource>> make_client_certificate_source(const Cloud& cloud,
                                                                    const Environment& environment,
                                                                    const TokenTransport& transport,
                                                                    Redactor& redactor) {
  KILN_TRY_ASSIGN(
      const auto path,
      need(environment, "AZURE_CLIENT_CERTIFICATE_PATH", "the file with the certificate"));
  const Secret password(environment.get("AZURE_CLIENT_CERTIFICATE_PASSWORD").value_or(""));
  redactor.add(password);
  KILN_TRY_ASSIGN(auto principal, find_principal(cloud, environment));
  KILN_TRY_ASSIGN(const auto contents, read_file(path, kLargestFile));
  redactor.add(Secret(contents));
  auto certificate = parse_client_certificate(contents, password);
  if (!certificate) return std::move(certificate).error().while_doing("reading " + path);
  return std::make_unique<ByCertificate>(
      std::move(principal), transport, *std::move(certificate), redactor);
}

Result<std::unique_ptr<TokenSource>> make_workload_identity_source(const Cloud& cloud,
                                                                   const Environment& environment,
                                                                   const TokenTransport& transport,
                                                                   Redactor& redactor) {
  KILN_TRY_ASSIGN(auto file,
                  need(environment, "AZURE_FEDERATED_TOKEN_FILE", "the file with the token"));
  KILN_TRY_ASSIGN(auto principal, find_principal(cloud, environment));
  return std::make_unique<ByFederatedToken>(
      std::move(principal), transport, std::move(file), redactor);
}

}  // namespace kiln
