#include "disk/inspect/windows/registry_text.h"

#include "engine/core/bytes.h"

namespace kiln {
namespace {

constexpr char32_t kReplacement = 0xFFFD;
constexpr char32_t kHighSurrogate = 0xD800;
constexpr char32_t kLowSurrogate = 0xDC00;
constexpr char32_t kAfterSurrogates = 0xE000;
constexpr char32_t kBeyondBmp = 0x10000;
constexpr unsigned kHalf = 10;  // bits of a code point in each half of a pair

bool between(char32_t value, char32_t from, char32_t end) {
  return value >= from && value < end;
}

void append_utf8(std::string& text, char32_t point) {
  const auto byte = [&](char32_t value) { text.push_back(static_cast<char>(value)); };
  constexpr char32_t kTail = 0x3F;
  if (point < 0x80) return byte(point);
  if (point < 0x800) {
    byte(0xC0 | (point >> 6));
  } else if (point < kBeyondBmp) {
    byte(0xE0 | (point >> 12));
    byte(0x80 | ((point >> 6) & kTail));
  } else {
    byte(0xF0 | (point >> 18));
    byte(0x80 | ((point >> 12) & kTail));
    byte(0x80 | ((point >> 6) & kTail));
  }
  byte(0x80 | (point & kTail));
}

/// The text that begins at `at`, which is left behind its zero.
std::string next_text(std::string_view data, std::size_t& at) {
  const Bytes bytes = std::as_bytes(std::span(data));
  std::string text;
  while (at + 2 <= data.size()) {
    const char32_t unit = read_le<std::uint16_t>(bytes, at);
    at += 2;
    if (unit == 0) return text;
    char32_t point = unit;
    if (between(unit, kHighSurrogate, kAfterSurrogates)) {
      point = kReplacement;
      const char32_t next = at + 2 <= data.size() ? read_le<std::uint16_t>(bytes, at) : 0;
      if (unit < kLowSurrogate && between(next, kLowSurrogate, kAfterSurrogates)) {
        point = kBeyondBmp + ((unit - kHighSurrogate) << kHalf) + (next - kLowSurrogate);
        at += 2;
      }
    }
    append_utf8(text, point);
  }
  at = data.size();
  return text;
}

}  // namespace

std::string registry_text(std::string_view text) {
  std::string data;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    data.push_back(byte < 0x80 ? c : '?');
    data.push_back('\0');
  }
  return data.append(2, '\0');
}

std::optional<std::string> text_of(const RegistryValue& value) {
  if (value.type != registry_type::kString && value.type != registry_type::kExpandString) {
    return std::nullopt;
  }
  std::size_t at = 0;
  return next_text(value.data, at);
}

std::vector<std::string> texts_of(const RegistryValue& value) {
  std::vector<std::string> texts;
  if (value.type != registry_type::kMultiString) return texts;
  for (std::size_t at = 0; at < value.data.size();) {
    // Renames that are pending have empty texts in between, so only the end counts as the end.
    auto text = next_text(value.data, at);
    if (!text.empty()) texts.push_back(std::move(text));
  }
  return texts;
}

std::optional<std::uint32_t> number_of(const RegistryValue& value) {
  if (value.type != registry_type::kDword || value.data.size() != sizeof(std::uint32_t)) {
    return std::nullopt;
  }
  return read_le<std::uint32_t>(std::as_bytes(std::span(value.data)), 0);
}

}  // namespace kiln
