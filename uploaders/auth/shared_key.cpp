#include "uploaders/auth/shared_key.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <map>
#include <span>
#include <vector>

#include <fmt/chrono.h>
#include <openssl/hmac.h>

#include "engine/core/text.h"
#include "uploaders/auth/base64.h"
#include "uploaders/transport/url.h"

namespace kiln {
namespace {

Result<std::vector<std::byte>> decode_key(const Secret& key) {
  if (auto decoded = decode_base64(key.reveal())) return *std::move(decoded);
  return fail(ErrorKind::kHostNotReady, "Auth:BadKey", "the storage account key is not base64")
      .cure("copy the key again from the account's access keys; it ends in ==");
}

std::string canonical_headers(const HttpHeaders& headers) {
  std::map<std::string, std::string> sorted;
  for (const auto& [name, value] : headers.items()) {
    auto lower = to_lower(name);
    if (lower.rfind("x-ms-", 0) == 0) sorted[std::move(lower)] = trim(value);
  }
  std::string text;
  for (const auto& [name, value] : sorted) text += fmt::format("{}:{}\n", name, value);
  return text;
}

std::string canonical_resource(const std::string& account, const Url& url) {
  std::map<std::string, std::vector<std::string>> sorted;
  for (auto& [name, value] : query_parameters(url.query)) {
    sorted[to_lower(name)].push_back(std::move(value));
  }
  std::string text = "/" + account + url.path;
  for (auto& [name, values] : sorted) {
    std::sort(values.begin(), values.end());
    text += fmt::format("\n{}:{}", name, fmt::join(values, ","));
  }
  return text;
}

}  // namespace

Result<std::string> shared_key_string_to_sign(const std::string& account,
                                              const HttpRequest& request) {
  KILN_TRY_ASSIGN(const auto url, parse_url(request.url));
  const auto& headers = request.headers;
  // Since 2015-02-21 a length of zero is signed as nothing; Date is empty because x-ms-date is
  // sent.
  const auto length = request.body.empty() ? std::string() : std::to_string(request.body.size());
  std::string text = request.method + "\n";
  for (const auto& line : {headers.value("Content-Encoding"),
                           headers.value("Content-Language"),
                           length,
                           headers.value("Content-MD5"),
                           headers.value("Content-Type"),
                           std::string(),
                           headers.value("If-Modified-Since"),
                           headers.value("If-Match"),
                           headers.value("If-None-Match"),
                           headers.value("If-Unmodified-Since"),
                           headers.value("Range")}) {
    text += line + "\n";
  }
  return text + canonical_headers(headers) + canonical_resource(account, url);
}

Result<std::string> shared_key_authorization(const SharedKey& key, const HttpRequest& request) {
  KILN_TRY_ASSIGN(const auto text, shared_key_string_to_sign(key.account, request));
  KILN_TRY_ASSIGN(const auto secret, decode_key(key.key));
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned int length = 0;
  const auto* made = HMAC(EVP_sha256(),
                          secret.data(),
                          static_cast<int>(secret.size()),
                          reinterpret_cast<const unsigned char*>(text.data()),
                          text.size(),
                          mac.data(),
                          &length);
  if (made == nullptr) return fail(ErrorKind::kInternal, "Auth:Hmac", "HMAC-SHA256 failed");
  const auto signature = base64(std::as_bytes(std::span(mac).first(length)));
  return fmt::format("SharedKey {}:{}", key.account, signature);
}

Result<void> check_shared_key(const SharedKey& key) {
  KILN_TRY(decode_key(key.key));
  return {};
}

std::string http_date(std::chrono::system_clock::time_point time) {
  // fmt's %a and %b follow no locale, as RFC 9110 demands.
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

bool valid_metadata_name(std::string_view name) {
  if (name.empty() || std::isalpha(static_cast<unsigned char>(name.front())) == 0) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0;
  });
}

}  // namespace kiln
