#include "uploaders/arm/arm_error.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include <fmt/format.h>

#include "engine/core/text.h"

namespace kiln {
namespace {

using nlohmann::json;

struct KnownCode {
  std::string_view code;
  ErrorKind kind;
  std::string_view cure;
};

constexpr std::string_view kRole =
    "give the identity the role Contributor on the resource group; a new role takes minutes to "
    "work";
constexpr std::string_view kIdentity =
    "check the tenant, the cloud (--cloud) and the credential (--auth), and this host's clock";
constexpr std::string_view kSubscription =
    "check the subscription in the id, the tenant, and the cloud (--cloud)";
constexpr std::string_view kVersion = "check the cloud (--cloud): another one would answer so";

constexpr std::array kKnown = {
    KnownCode{"AuthorizationFailed", ErrorKind::kRemote, kRole},
    KnownCode{"LinkedAuthorizationFailed", ErrorKind::kRemote, kRole},
    KnownCode{"AuthenticationFailed", ErrorKind::kRemote, kIdentity},
    KnownCode{"InvalidAuthenticationToken", ErrorKind::kRemote, kIdentity},
    KnownCode{"InvalidAuthenticationTokenTenant", ErrorKind::kRemote, kIdentity},
    KnownCode{"InvalidAuthenticationTokenAudience", ErrorKind::kRemote, kIdentity},
    KnownCode{"ExpiredAuthenticationToken", ErrorKind::kRemote, kIdentity},
    KnownCode{"SubscriptionNotFound", ErrorKind::kNotFound, kSubscription},
    KnownCode{"InvalidSubscriptionId", ErrorKind::kNotFound, kSubscription},
    KnownCode{"ResourceGroupNotFound",
              ErrorKind::kNotFound,
              "create the resource group first, or correct the id"},
    KnownCode{"ResourceNotFound", ErrorKind::kNotFound, "create it first, or correct the id"},
    KnownCode{"NotFound", ErrorKind::kNotFound, "create it first, or correct the id"},
    KnownCode{"ParentResourceNotFound",
              ErrorKind::kNotFound,
              "create the gallery and the image definition first, or correct the id"},
    KnownCode{"MissingSubscriptionRegistration",
              ErrorKind::kRemote,
              "run `az provider register --namespace Microsoft.Compute`"},
    KnownCode{"QuotaExceeded", ErrorKind::kRemote, "ask for more quota, or use another region"},
    KnownCode{"RequestDisallowedByPolicy",
              ErrorKind::kRemote,
              "ask who manages the subscription's policies for an exemption"},
    KnownCode{"ScopeLocked", ErrorKind::kRemote, "remove the lock of the resource group"},
    KnownCode{"LocationNotAvailableForResourceType", ErrorKind::kRemote, "name another region"},
    KnownCode{"PropertyChangeNotAllowed",
              ErrorKind::kRemote,
              "choose another name, delete what is there, or allow overwriting (--overwrite)"},
    KnownCode{"NoRegisteredProviderFound", ErrorKind::kUnsupported, kVersion},
    KnownCode{"InvalidApiVersionParameter", ErrorKind::kUnsupported, kVersion},
    KnownCode{"InvalidResourceType", ErrorKind::kUnsupported, kVersion},
    KnownCode{"TooManyRequests", ErrorKind::kRemote, "try again later"},
};

std::string text_of(const json& object, const char* member) {
  if (!object.is_object()) return {};
  const auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

/// The error object of `{"error": {…}}`, or the body itself where it is bare, as some answer.
json error_object(const HttpResponse& response) {
  const auto body = json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  if (!body.is_object()) return json::object();
  const auto inner = body.find("error");
  return inner != body.end() && inner->is_object() ? *inner : body;
}

bool is_code(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  return !text.empty() && text.size() <= kLongest &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_';
         });
}

/// What is said, of an error and of the details in it, and the ids by which support finds it.
std::vector<std::string> quoted_lines(const json& error, const HttpResponse& response) {
  constexpr std::size_t kMostDetails = 5;
  std::vector<std::string> lines;
  if (auto message = text_of(error, "message"); !message.empty()) {
    lines.push_back(printable(message));
  }
  if (const auto details = error.find("details"); details != error.end() && details->is_array()) {
    for (const auto& detail : *details) {
      if (lines.size() > kMostDetails) break;
      auto message = text_of(detail, "message");
      if (!message.empty()) lines.push_back(printable(message));
    }
  }
  for (const auto* name : {"x-ms-correlation-request-id", "x-ms-request-id"}) {
    if (const auto id = response.headers.get(name)) {
      lines.push_back(fmt::format("{}: {}", name, printable(*id)));
    }
  }
  return lines;
}

Error make_error(const json& object,
                 const HttpResponse& response,
                 const std::string& what,
                 const std::string& status) {
  auto code = text_of(object, "code");
  if (!is_code(code)) code = fmt::format("Http{}", response.status);
  const auto* known =
      std::find_if(kKnown.begin(), kKnown.end(), [&](const auto& one) { return one.code == code; });
  const bool found = known != kKnown.end();
  const auto otherwise = response.status == 404 ? ErrorKind::kNotFound : ErrorKind::kRemote;
  auto error = Error(found ? known->kind : otherwise,
                     "Arm:" + code,
                     fmt::format("cannot {}: {}{}", what, status, code))
                   .quoting(quoted_lines(object, response));
  if (found) return std::move(error).cure(std::string(known->cure));
  if (response.status == 401 || response.status == 403) {
    return std::move(error).cure(std::string(kIdentity));
  }
  return error;
}

}  // namespace

std::string arm_error_code(const HttpResponse& response) {
  auto code = text_of(error_object(response), "code");
  return is_code(code) ? code : "";
}

Error arm_error(const HttpResponse& response, const std::string& what) {
  return make_error(
      error_object(response), response, what, fmt::format("HTTP {} ", response.status));
}

Error arm_operation_error(const json& error,
                          const HttpResponse& response,
                          const std::string& what) {
  return make_error(error.is_object() ? error : json::object(), response, what, "");
}

}  // namespace kiln
