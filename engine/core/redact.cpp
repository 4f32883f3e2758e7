#include "engine/core/redact.h"

#include <algorithm>
#include <array>

#include "engine/core/text.h"

namespace kiln {
namespace {

constexpr std::size_t kShortestSecret = 6;
constexpr std::array<std::string_view, 5> kPlainParameters = {
    "comp", "restype", "api-version", "timeout", "sv"};

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

void Redactor::add(const Secret& secret) {
  if (secret.reveal().size() < kShortestSecret) return;
  const std::lock_guard lock(mutex_);
  values_.push_back(secret.reveal());
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
    result += plain || equals == std::string::npos ? parameter : name + "=***";
  }
  return result;
}

}  // namespace kiln
