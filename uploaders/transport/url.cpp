#include "uploaders/transport/url.h"

#include <algorithm>
#include <cctype>

#include "engine/core/redact.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

Error bad_url(std::string_view text, std::string_view why) {
  return fail(
      ErrorKind::kInvalidTemplate, "Url:Invalid", "{} {}", printable(redact_url(text)), why);
}

bool is_unreserved(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_' ||
         c == '~';
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Control characters and blanks would split the request line.
bool has_forbidden_bytes(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F || c == '\\';
  });
}

}  // namespace

std::string Url::origin() const {
  return scheme + "://" + host + (port.empty() ? "" : ":" + port);
}

std::string Url::text() const {
  return origin() + path + (query.empty() ? "" : "?" + query);
}

bool is_http_url(std::string_view text) {
  const auto scheme = to_lower(text.substr(0, 8));
  return scheme.rfind("http://", 0) == 0 || scheme.rfind("https://", 0) == 0;
}

Result<Url> parse_url(std::string_view text) {
  if (!is_http_url(text)) return bad_url(text, "is not an http or https URL");
  if (has_forbidden_bytes(text)) {
    return bad_url(text, "contains a blank or control character").cure("percent-encode it");
  }
  if (text.find('#') != std::string_view::npos) return bad_url(text, "has a fragment (#)");
  Url url;
  const auto scheme_end = text.find("://");
  url.scheme = to_lower(text.substr(0, scheme_end));
  auto rest = text.substr(scheme_end + 3);
  auto authority = rest.substr(0, rest.find_first_of("/?"));
  rest.remove_prefix(authority.size());
  if (authority.find('@') != std::string_view::npos) {
    return bad_url(text, "carries a user name").cure("remove everything up to the @");
  }
  const auto bracket = authority.rfind(']');
  const auto colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    url.port = authority.substr(colon + 1);
    authority = authority.substr(0, colon);
    if (!is_port(url.port)) return bad_url(text, "has a port that is not a number");
  }
  if (authority.empty()) return bad_url(text, "names no host");
  url.host = to_lower(authority);
  const auto question = rest.find('?');
  url.path = rest.substr(0, question);
  if (url.path.empty()) url.path = "/";
  if (question != std::string_view::npos) url.query = rest.substr(question + 1);
  return url;
}

std::string append_query(std::string query, std::string_view addition) {
  if (!query.empty() && !addition.empty() && query.back() != '&') query += '&';
  return query.append(addition);
}

std::vector<std::pair<std::string, std::string>> query_parameters(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> parameters;
  if (query.empty()) return parameters;
  for (const auto& pair : split(query, '&')) {
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    parameters.emplace_back(
        percent_decode(pair.substr(0, equals)),
        equals == std::string::npos ? std::string() : percent_decode(pair.substr(equals + 1)));
  }
  return parameters;
}

std::optional<std::string> query_parameter(std::string_view query, std::string_view name) {
  for (auto& [found, value] : query_parameters(query)) {
    if (equal_ignoring_case(found, name)) return std::move(value);
  }
  return std::nullopt;
}

std::string percent_decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 &&
                        hex_value(text[i + 2]) >= 0;
    if (escape) {
      decoded += static_cast<char>((hex_value(text[i + 1]) << 4) | hex_value(text[i + 2]));
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

std::string percent_encode(std::string_view text, bool keep_slashes) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    if (is_unreserved(c) || (keep_slashes && c == '/')) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += '%';
      encoded += kDigits[byte >> 4U];
      encoded += kDigits[byte & 15U];
    }
  }
  return encoded;
}

bool is_loopback(const Url& url) {
  return url.host == "localhost" || url.host == "[::1]" || url.host.rfind("127.", 0) == 0;
}

}  // namespace kiln
