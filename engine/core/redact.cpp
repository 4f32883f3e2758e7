#include "engine/core/redact.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "engine/core/json.h"
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
std::string percent_encoded(std::string_view text, bool upper = true) {
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || std::string_view("-._~").find(c) != std::string_view::npos) {
      encoded += c;
    } else {
      encoded += upper ? fmt::format("%{:02X}", byte) : fmt::format("%{:02x}", byte);
    }
  }
  return encoded;
}

std::string base64(std::string_view text) {
  std::vector<unsigned char> encoded(4 * (text.size() / 3) + 5);
  const std::vector<unsigned char> bytes(text.begin(), text.end());
  const auto size = EVP_EncodeBlock(encoded.data(), bytes.data(), static_cast<int>(bytes.size()));
  return {encoded.begin(), encoded.begin() + size};
}

/// The same with the other two letters.
std::string url_safe(std::string text) {
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

/// The letters that base64 gives `text` behind so many other bytes, whatever those are.
std::string base64_within(std::string_view text, std::size_t bytes_before) {
  const auto whole = base64(std::string(bytes_before, '\0').append(text));
  const auto begin = (bytes_before * 8 + 5) / 6;
  const auto end = (bytes_before + text.size()) * 8 / 6;
  return whole.substr(begin, end - begin);
}

/// How a secret may look where it comes out.
std::vector<std::string> forms_of(const std::string& secret) {
  const auto encoded = base64(secret);
  const auto quoted = dump_json(secret);
  std::vector<std::string> forms = {secret,
                                    percent_encoded(secret),
                                    percent_encoded(secret, false),
                                    quoted.substr(1, quoted.size() - 2),
                                    encoded,
                                    url_safe(encoded),
                                    percent_encoded(encoded),
                                    percent_encoded(encoded, false)};
  for (std::size_t before = 0; before < 3; ++before) {
    const auto letters = base64_within(secret, before);
    forms.push_back(letters);
    forms.push_back(url_safe(letters));
    forms.push_back(percent_encoded(letters));
  }
  for (const auto& line : split_lines(secret)) {
    if (trim(line).size() >= kShortestSecretLine) forms.emplace_back(trim(line));
  }
  return forms;
}

/// Messages cut long values, and the beginning of a secret is none of a reader's business either.
template <class Values>
void hide_cut(std::string& text, const Values& values) {
  constexpr std::string_view kCut = "…";
  for (auto cut = text.find(kCut); cut != std::string::npos; cut = text.find(kCut, cut + 1)) {
    std::size_t longest = 0;
    for (const auto& value : values) {
      for (auto length = std::min(value.size(), cut); length >= kShortestSecret; --length) {
        if (length <= longest) break;
        if (text.compare(cut - length, length, value, 0, length) == 0) longest = length;
      }
    }
    if (longest == 0) continue;
    text.replace(cut - longest, longest, "***");
    cut = cut - longest + 3;
  }
}

}  // namespace

void Redactor::add(const Secret& secret) {
  if (secret.reveal().size() < kShortestSecret) return;
  const std::lock_guard lock(mutex_);
  for (auto& form : forms_of(secret.reveal())) values_.insert(std::move(form));
}

std::string Redactor::redact(std::string_view text) const {
  std::string clean(text);
  const std::lock_guard lock(mutex_);
  for (const auto& value : values_) replace_all(clean, value, "***");
  hide_cut(clean, values_);
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
