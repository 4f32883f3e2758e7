#include "engine/core/uri.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "engine/core/text.h"

namespace kiln {
namespace {

constexpr std::array<std::string_view, 3> kSchemes = {"https", "http", "file"};
constexpr std::string_view kExpected = "an https:, http: or file: URI, or a path on this host";

Error other_scheme(const JsonReader& place, std::string_view scheme) {
  const auto near = nearest_word(scheme, kSchemes);
  return place
      .error("Template:UriScheme",
             fmt::format("\"{}:\" is no scheme that Kiln knows", printable(scheme, 40)))
      .expecting(std::string(kExpected))
      .cure(near.empty() ? "use https:, http:, file: or a path on this host"
                         : fmt::format("did you mean \"{}:\"?", near));
}

Error bad_uri(const JsonReader& place, std::string message, std::string cure) {
  return place.error("Template:BadUri", std::move(message))
      .expecting(std::string(kExpected))
      .cure(std::move(cure));
}

}  // namespace

std::string_view uri_scheme(std::string_view uri) {
  const auto colon = uri.find(':');
  if (colon == std::string_view::npos || colon < 2) return {};
  const auto scheme = uri.substr(0, colon);
  const bool sound = std::all_of(scheme.begin(), scheme.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '-' || c == '.';
  });
  return sound ? scheme : std::string_view();
}

Result<void> check_uri(const JsonReader& place, std::string_view uri) {
  const auto scheme = uri_scheme(uri);
  if (scheme.empty()) return {};
  const auto lower = to_lower(scheme);
  if (std::find(kSchemes.begin(), kSchemes.end(), lower) == kSchemes.end()) {
    return other_scheme(place, scheme);
  }
  const auto rest = uri.substr(scheme.size() + 1);
  const bool has_authority = rest.starts_with("//");
  const auto authority = has_authority ? rest.substr(2, rest.find_first_of("/?#", 2) - 2) : "";
  if (lower == "file") {
    if (!authority.empty() && !equal_ignoring_case(authority, "localhost")) {
      return bad_uri(place,
                     fmt::format("this names a file of the host \"{}\"", printable(authority, 80)),
                     "write file:///path, with three slashes");
    }
    const auto path = rest.substr(has_authority ? 2 + authority.size() : 0);
    if (path.empty()) return bad_uri(place, "this URI names no file", "write file:///path");
    return {};
  }
  if (authority.empty()) {
    return bad_uri(place,
                   "this URI names no host",
                   fmt::format("write {}://HOST/PATH, with two slashes before the host", lower));
  }
  if (uri.find_first_of(" \t\r\n") != std::string_view::npos) {
    return bad_uri(place, "this URI holds a blank", "write %20 for a blank, or remove it");
  }
  return {};
}

}  // namespace kiln
