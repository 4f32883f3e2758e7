#include "engine/template/arm/text_units.h"

#include <algorithm>
#include <cctype>

namespace kiln::arm {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

/// The next character of UTF-8, or U+FFFD for a byte that starts none.
char32_t take_character(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if ((lead >= 0x80 && lead < 0xC2) || lead > 0xF4 || length > text.size()) {
    text.remove_prefix(1);
    return kReplacement;
  }
  char32_t character = length == 1 ? lead : lead & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    character = (character << 6U) | (static_cast<unsigned char>(text[i]) & 0x3FU);
  }
  text.remove_prefix(length);
  return character;
}

void append(std::string& text, char32_t character) {
  const auto byte = [&text](char32_t value) { text += static_cast<char>(value); };
  if (character < 0x80) {
    byte(character);
  } else if (character < 0x800) {
    byte(0xC0U | (character >> 6U));
    byte(0x80U | (character & 0x3FU));
  } else if (character < 0x10000) {
    byte(0xE0U | (character >> 12U));
    byte(0x80U | ((character >> 6U) & 0x3FU));
    byte(0x80U | (character & 0x3FU));
  } else {
    byte(0xF0U | (character >> 18U));
    byte(0x80U | ((character >> 12U) & 0x3FU));
    byte(0x80U | ((character >> 6U) & 0x3FU));
    byte(0x80U | (character & 0x3FU));
  }
}

bool is_high(char16_t unit) {
  return unit >= 0xD800 && unit < 0xDC00;
}

bool is_low(char16_t unit) {
  return unit >= 0xDC00 && unit < 0xE000;
}

}  // namespace

std::u16string to_units(std::string_view text) {
  std::u16string units;
  units.reserve(text.size());
  while (!text.empty()) {
    auto character = take_character(text);
    if (character < 0x10000) {
      units += static_cast<char16_t>(character);
      continue;
    }
    character -= 0x10000;
    units += static_cast<char16_t>(0xD800U + (character >> 10U));
    units += static_cast<char16_t>(0xDC00U + (character & 0x3FFU));
  }
  return units;
}

std::string from_units(std::u16string_view units) {
  std::string text;
  text.reserve(units.size());
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (is_high(units[i]) && i + 1 < units.size() && is_low(units[i + 1])) {
      const auto high = static_cast<char32_t>(units[i] - 0xD800);
      append(text, 0x10000U + (high << 10U) + static_cast<char32_t>(units[i + 1] - 0xDC00));
      ++i;
    } else {
      append(text, is_high(units[i]) || is_low(units[i]) ? kReplacement : units[i]);
    }
  }
  return text;
}

std::size_t count_units(std::string_view text) {
  std::size_t count = 0;
  while (!text.empty()) count += take_character(text) < 0x10000 ? 1 : 2;
  return count;
}

std::string to_upper(std::string_view text) {
  std::string upper(text);
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) {
    return c < 0x80 ? static_cast<char>(std::toupper(c)) : static_cast<char>(c);
  });
  return upper;
}

}  // namespace kiln::arm
