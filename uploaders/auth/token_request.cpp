#include "uploaders/auth/token_request.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include <nlohmann/json.hpp>

#include "engine/core/text.h"
#include "uploaders/transport/url.h"

namespace kiln {
namespace {

using nlohmann::json;

struct KnownRefusal {
  std::string_view sign;  ///< in error_description
  std::string_view cure;
};

// "Microsoft Entra authentication and authorization error codes".
constexpr std::array kKnown = {
    KnownRefusal{"AADSTS7000215", "give the secret's value, not its id"},
    KnownRefusal{"AADSTS7000222", "the secret has expired: make a new one"},
    KnownRefusal{"AADSTS700027", "upload this certificate to the application"},
    KnownRefusal{"AADSTS700016", "check AZURE_CLIENT_ID and AZURE_TENANT_ID"},
    KnownRefusal{"AADSTS90002", "check AZURE_TENANT_ID, and the cloud (--cloud)"},
    KnownRefusal{"AADSTS70021",
                 "give the application a federated credential of this issuer and subject"},
    KnownRefusal{"AADSTS500011", "check the cloud (--cloud): its tokens are for another audience"},
    KnownRefusal{"AADSTS700024", "set this host's clock"},
};

std::string text_of(const json& body, const char* member) {
  const auto found = body.find(member);
  return found != body.end() && found->is_string() ? found->get<std::string>() : "";
}

std::optional<std::int64_t> number_of(const json& body, const char* member) {
  const auto found = body.find(member);
  if (found == body.end()) return std::nullopt;
  if (found->is_number_integer()) return found->get<std::int64_t>();
  if (!found->is_string()) return std::nullopt;
  const auto& text = found->get_ref<const std::string&>();
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Error refusal(const HttpResponse& response, const json& body, const std::string& origin) {
  auto description = text_of(body, "error_description");
  // Managed identities' endpoints put it differently.
  if (const auto inner = body.find("error"); inner != body.end() && inner->is_object()) {
    description = text_of(*inner, "message");
  }
  const auto code = text_of(body, "error");
  auto error = fail(ErrorKind::kRemote,
                    "Auth:TokenRefused",
                    "no token for {}: HTTP {}{}",
                    origin,
                    response.status,
                    code.empty() ? "" : " " + printable(code, 60));
  if (const auto lines = split_lines(description); !lines.empty()) {
    error = std::move(error).quoting({printable(lines.front())});
  }
  const auto* known = std::find_if(kKnown.begin(), kKnown.end(), [&](const auto& one) {
    return description.find(one.sign) != std::string::npos;
  });
  if (known != kKnown.end()) return std::move(error).cure(std::string(known->cure));
  return error;
}

}  // namespace

Result<AccessToken> read_token(const HttpResponse& response,
                               const std::string& origin,
                               std::chrono::system_clock::time_point now) {
  auto body = json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  if (!body.is_object()) body = json::object();
  if (response.status != 200) return refusal(response, body, origin);
  AccessToken token{Secret(text_of(body, "access_token")), now};
  // A token goes into a header, so it may hold nothing that would end one.
  const auto& value = token.value.reveal();
  const bool sound = !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7F;
  });
  if (!sound) {
    return fail(ErrorKind::kRemote, "Auth:NoToken", "the answer for {} holds no token", origin);
  }
  if (const auto life = number_of(body, "expires_in")) {
    constexpr std::int64_t kWeek = 7 * std::int64_t{86'400};
    token.expires = now + std::chrono::seconds(std::clamp<std::int64_t>(*life, 0, kWeek));
  } else if (const auto end = number_of(body, "expires_on")) {
    constexpr std::int64_t kFarFuture = 4'102'444'800;  // the year 2100
    token.expires = std::chrono::system_clock::time_point(
        std::chrono::seconds(std::clamp<std::int64_t>(*end, 0, kFarFuture)));
  } else {
    return fail(
        ErrorKind::kRemote, "Auth:NoToken", "the token for {} says not how long it lives", origin);
  }
  return token;
}

Result<AccessToken> send_token_form(const std::string& url,
                                    const TokenForm& form,
                                    const std::string& origin,
                                    const TokenTransport& transport,
                                    const CancelToken& cancel) {
  std::string body;
  for (const auto& [name, value] : form) {
    if (!body.empty()) body += '&';
    body += name + "=" + percent_encode(value, /*keep_slashes=*/false);
  }
  KILN_TRY_ASSIGN(const auto session, open_http_session(transport.http));
  const auto make = [&]() -> Result<HttpRequest> {
    return HttpRequest{
        "POST",
        url,
        {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}},
        std::as_bytes(std::span(body))};
  };
  KILN_TRY_ASSIGN(const auto exchange, send_with_retry(*session, make, transport.retry, cancel));
  return read_token(exchange.response, origin, std::chrono::system_clock::now());
}

}  // namespace kiln
