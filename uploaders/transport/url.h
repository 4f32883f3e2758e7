#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/core/result.h"

namespace kiln {

/// An http or https URL taken apart, nothing decoded: a signature is computed over the bytes as
/// they are sent.
struct Url {
  std::string scheme;  ///< lower case
  std::string host;    ///< lower case; an IPv6 address keeps its brackets
  std::string port;    ///< empty where the URL has none
  std::string path;    ///< encoded, starts with '/'
  std::string query;   ///< verbatim, without '?'

  [[nodiscard]] std::string text() const;
  /// `http://host:port`
  [[nodiscard]] std::string origin() const;
};

/// Refuses other schemes, user information and fragments. The error's text is redacted.
Result<Url> parse_url(std::string_view text);

/// Appends `name=value` pairs to a query that stays as it is, which keeps signatures valid.
std::string append_query(std::string query, std::string_view addition);

/// The pairs of a query, percent-decoded, in order.
std::vector<std::pair<std::string, std::string>> query_parameters(std::string_view query);
std::optional<std::string> query_parameter(std::string_view query, std::string_view name);

/// Undoes %XX; malformed sequences stay as they are.
std::string percent_decode(std::string_view text);
/// Encodes all but RFC 3986's unreserved characters, and '/' if asked.
std::string percent_encode(std::string_view text, bool keep_slashes);

bool is_http_url(std::string_view text);
/// True for addresses that never leave this machine.
bool is_loopback(const Url& url);

}  // namespace kiln
