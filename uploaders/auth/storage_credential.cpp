#include "uploaders/auth/storage_credential.h"

#include <algorithm>
#include <map>

#include <fmt/chrono.h>

#include "engine/core/file.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

constexpr std::uint64_t kLargestKeyFile = 16 * kKiB;

// The emulator's well-known account, published in Microsoft's documentation of Azurite.
constexpr std::string_view kEmulatorAccount = "devstoreaccount1";
constexpr std::string_view kEmulatorKey =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

constexpr std::string_view kCure =
    "append a SAS to the URL, or set AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN, "
    "AZURE_STORAGE_CONNECTION_STRING, or KILN_STORAGE_KEY_FILE";

Result<StorageCredential> sas_credential(std::string_view query,
                                         std::string origin,
                                         Redactor& redactor) {
  if (!query.empty() && query.front() == '?') query.remove_prefix(1);
  const auto signature = query_parameter(query, "sig");
  redactor.add(Secret(std::string(query)));
  if (!signature || signature->empty()) {
    return fail(ErrorKind::kHostNotReady,
                "Auth:BadSas",
                "the shared access signature from {} has no sig=",
                origin)
        .cure("copy the whole token, from sv= to sig=");
  }
  redactor.add(Secret(*signature));
  // The signature as it stands in the URL, too: messages may quote either form.
  const auto raw = query.find("sig=");
  if (raw != std::string_view::npos) {
    redactor.add(Secret(std::string(query.substr(raw + 4, query.find('&', raw) - raw - 4))));
  }
  return StorageCredential{SasToken{Secret(std::string(query))}, std::move(origin)};
}

Result<StorageCredential> key_credential(std::string account,
                                         std::string_view key,
                                         std::string origin,
                                         Redactor& redactor) {
  SharedKey credential{std::move(account), Secret(std::string(trim(key)))};
  redactor.add(credential.key);
  KILN_TRY_WHILE(check_shared_key(credential), "reading {}", origin);
  return StorageCredential{std::move(credential), std::move(origin)};
}

Error other_account(std::string_view origin, std::string_view found, const BlobLocation& target) {
  return fail(ErrorKind::kHostNotReady,
              "Auth:OtherAccount",
              "{} is for the storage account {}, but {} belongs to {}",
              origin,
              found,
              target.plain(),
              target.account)
      .cure("set the credential of the URL's account, or correct the URL");
}

std::map<std::string, std::string> connection_settings(std::string_view text) {
  std::map<std::string, std::string> settings;
  for (const auto& part : split(text, ';')) {
    const auto equals = part.find('=');
    if (equals == std::string::npos) continue;
    settings[to_lower(trim(part.substr(0, equals)))] = trim(part.substr(equals + 1));
  }
  return settings;
}

Result<StorageCredential> from_connection_string(const std::string& text,
                                                 const BlobLocation& target,
                                                 Redactor& redactor) {
  constexpr std::string_view kOrigin = "AZURE_STORAGE_CONNECTION_STRING";
  redactor.add(Secret(text));
  auto settings = connection_settings(text);
  if (to_lower(settings["usedevelopmentstorage"]) == "true") {
    settings["accountname"] = kEmulatorAccount;
    settings["accountkey"] = kEmulatorKey;
  }
  const auto& account = settings["accountname"];
  if (!account.empty() && account != target.account) return other_account(kOrigin, account, target);
  if (const auto& endpoint = settings["blobendpoint"]; !endpoint.empty()) {
    KILN_TRY_ASSIGN(const auto url, parse_url(endpoint));
    if (url.origin() != target.url.origin()) {
      return other_account(kOrigin, redact_url(endpoint), target);
    }
  }
  if (const auto& key = settings["accountkey"]; !key.empty()) {
    return key_credential(target.account, key, std::string(kOrigin), redactor);
  }
  if (const auto& sas = settings["sharedaccesssignature"]; !sas.empty()) {
    return sas_credential(sas, std::string(kOrigin), redactor);
  }
  return fail(ErrorKind::kHostNotReady,
              "Auth:ConnectionString",
              "{} has neither AccountKey nor SharedAccessSignature",
              kOrigin)
      .cure("copy the whole connection string from the account's access keys");
}

/// Times in a SAS are ISO 8601 in UTC, in several lengths, so they compare as text over the shorter
/// one's length: negative where `time` is past, 0 where it cannot be told.
int compare_time(const std::string& time, std::chrono::system_clock::time_point now) {
  constexpr std::size_t kDate = 10;
  const auto text =
      fmt::format("{:%Y-%m-%dT%H:%M:%S}", fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
  const auto given = time.substr(0, std::min(time.find('Z'), text.size()));
  return given.size() < kDate ? 0 : given.compare(text.substr(0, given.size()));
}

/// Null where the credential has no end.
std::shared_ptr<RenewableSecret> renewable(const StorageCredential& credential) {
  if (const auto* sas = std::get_if<RenewableSas>(&credential.value)) return sas->query;
  if (const auto* bearer = std::get_if<BearerToken>(&credential.value)) return bearer->token;
  return nullptr;
}

Result<void> require_privacy(const std::string& address) {
  KILN_TRY_ASSIGN(const auto url, parse_url(address));
  if (url.scheme == "https" || is_loopback(url)) return {};
  return fail(ErrorKind::kHostNotReady,
              "Auth:NotEncrypted",
              "a bearer token would be readable on the way to {}",
              url.origin())
      .cure("use an https URL");
}

}  // namespace

Result<StorageCredential> find_storage_credential(const BlobLocation& target,
                                                  const Environment& environment,
                                                  Redactor& redactor) {
  if (!target.sas.empty()) return sas_credential(target.sas.reveal(), "the URL", redactor);
  if (const auto path = environment.get("KILN_STORAGE_KEY_FILE")) {
    auto key = read_file(*path, kLargestKeyFile);
    if (!key) return std::move(key).error().while_doing("reading KILN_STORAGE_KEY_FILE");
    return key_credential(target.account, *key, "KILN_STORAGE_KEY_FILE", redactor);
  }
  if (const auto sas = environment.get("AZURE_STORAGE_SAS_TOKEN")) {
    return sas_credential(trim(*sas), "AZURE_STORAGE_SAS_TOKEN", redactor);
  }
  if (const auto key = environment.get("AZURE_STORAGE_KEY")) {
    redactor.add(Secret(*key));
    const auto account = environment.get("AZURE_STORAGE_ACCOUNT").value_or(target.account);
    if (account != target.account) return other_account("AZURE_STORAGE_KEY", account, target);
    return key_credential(account, *key, "AZURE_STORAGE_KEY", redactor);
  }
  if (const auto text = environment.get("AZURE_STORAGE_CONNECTION_STRING")) {
    return from_connection_string(*text, target, redactor);
  }
  return fail(ErrorKind::kHostNotReady,
              "Auth:NoCredential",
              "there is no credential for the storage account {} ({})",
              target.account,
              target.plain())
      .cure(std::string(kCure));
}

Result<Secret> authorize(const StorageCredential& credential,
                         std::chrono::system_clock::time_point now,
                         HttpRequest& request,
                         const CancelToken& cancel) {
  const auto sign_url = [&](const Secret& query) {
    const auto* separator = request.url.find('?') == std::string::npos ? "?" : "&";
    request.url += separator + query.reveal();
  };
  if (const auto* sas = std::get_if<SasToken>(&credential.value)) {
    sign_url(sas->query);
    return Secret();
  }
  if (const auto* sas = std::get_if<RenewableSas>(&credential.value)) {
    KILN_TRY_ASSIGN(auto query, sas->query->value(cancel));
    sign_url(query);
    return query;
  }
  if (const auto* bearer = std::get_if<BearerToken>(&credential.value)) {
    KILN_TRY(require_privacy(request.url));
    KILN_TRY_ASSIGN(auto token, bearer->token->value(cancel));
    request.headers.add("Authorization", "Bearer " + token.reveal());
    return token;
  }
  request.headers.add("x-ms-date", http_date(now));
  KILN_TRY_ASSIGN(auto authorization,
                  shared_key_authorization(std::get<SharedKey>(credential.value), request));
  request.headers.add("Authorization", std::move(authorization));
  return Secret();
}

Result<bool> renew(const StorageCredential& credential,
                   const Secret& used,
                   const CancelToken& cancel) {
  const auto secret = renewable(credential);
  if (!secret) return false;
  KILN_TRY_WHILE(secret->renew(used, cancel), "renewing the credential from {}", credential.origin);
  return true;
}

Result<void> check_sas(const SasToken& sas, std::chrono::system_clock::time_point now) {
  const auto& query = sas.query.reveal();
  const auto refuse = [](std::string why) {
    return Error(ErrorKind::kHostNotReady, "Auth:Sas", std::move(why))
        .cure("create a new SAS with the permissions read, create, write and delete (racwd)");
  };
  const auto expiry = query_parameter(query, "se").value_or("");
  if (compare_time(expiry, now) < 0) {
    return refuse("the shared access signature expired at " + expiry);
  }
  const auto start = query_parameter(query, "st").value_or("");
  if (compare_time(start, now) > 0) {
    return refuse("the shared access signature is valid only from " + start);
  }
  const auto permissions = query_parameter(query, "sp");
  if (permissions && permissions->find('w') == std::string::npos) {
    return refuse("the shared access signature does not permit writing (sp=" + *permissions + ")");
  }
  return {};
}

}  // namespace kiln
