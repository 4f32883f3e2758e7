#include "engine/core/redact.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include "engine/core/text.h"

namespace kiln {
namespace {

constexpr std::size_t kShortestSecret = 6;
/// Logs go out line by line, so each line of a key file has to be known. Short ones, such as the
/// `=` padding at its end, give nothing away.
constexpr std::size_t kShortestSecretLine = 16;
constexpr std::array<std::string_view, 5> kPlainParameters = {
    "comp", "restype", "api-version", "timeout", "sv"};

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

/// As a query parameter carries it (RFC 3986).
std::string percent_encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || std::string_view("-._~").find(c) != std::string_view::npos) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", byte);
    }
  }
  return encoded;
}

}  // namespace

void Redactor::add(const Secret& secret) {
  if (secret.reveal().size() < kShortestSecret) return;
  const std::lock_guard lock(mutex_);
  values_.push_back(secret.reveal());
  values_.push_back(percent_encoded(secret.reveal()));
  for (const auto& line : split_lines(secret.reveal())) {
    if (trim(line).size() >= kShortestSecretLine) values_.emplace_back(trim(line));
  }
  // Longest first, so that a secret containing another leaves no tail.
  std::sort(values_.begin(), values_.end(), [](const auto& a, const auto& b) {
    return a.size() > b.size();
  });
}

std::string Redactor::redact(std::string_view text) const {
  std::string clean(text);
  const std::lock_guard lock(mutex_);
  for (const auto& value : values_) replace_all(clean, value, "***");
  return clean;
}

std::string redact_url(std::string_view url) {
  std::string clean(url);
  if (const auto scheme = clean.find("://"); scheme != std::string::npos) {
    const auto authority = scheme + 3;
    const auto end = clean.find_first_of("/?#", authority);
    const auto at = clean.substr(0, end).rfind('@');
    if (at != std::string::npos && at >= authority) clean.erase(authority, at + 1 - authority);
  }
  if (const auto fragment = clean.find('#'); fragment != std::string::npos) clean.erase(fragment);
  const auto query = clean.find('?');
  if (query == std::string::npos) return clean;
  std::string result = clean.substr(0, query + 1);
  bool first = true;
  for (const auto& parameter : split(std::string_view(clean).substr(query + 1), '&')) {
    if (!first) result += '&';
    first = false;
    const auto equals = parameter.find('=');
    const auto name = parameter.substr(0, equals);
    const bool plain =
        std::find(kPlainParameters.begin(), kPlainParameters.end(), name) != kPlainParameters.end();
    if (plain) {
      result += parameter;
    } else {
      result += equals == std::string::npos ? "***" : name + "=***";
    }
  }
  return result;
}

}  // namespace kiln
