#include "engine/template/arm/composite_format.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "engine/core/json.h"
#include "engine/core/text.h"
#include "engine/template/arm/functions.h"
#include "engine/template/arm/text_units.h"

namespace kiln::arm {
namespace {

constexpr int kWidest = 4096;

Error bad(std::string message) {
  return {ErrorKind::kInvalidTemplate, "Arm:BadFormat", std::move(message)};
}

std::string grouped(const std::string& digits) {
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string padded(std::string digits, std::size_t width) {
  return digits.size() < width ? std::string(width - digits.size(), '0') + digits : digits;
}

/// A pattern such as `000` or `#,##0`.
Result<std::string> by_pattern(std::string_view pattern, bool negative, std::string digits) {
  const auto zeros = static_cast<std::size_t>(std::count(pattern.begin(), pattern.end(), '0'));
  if (pattern.find_first_not_of("0#,") != std::string_view::npos) {
    return bad(fmt::format("the number format \"{}\" is not supported", printable(pattern, 40)));
  }
  if (zeros == 0 && digits == "0") return std::string();
  digits = padded(std::move(digits), zeros);
  if (pattern.find(',') != std::string_view::npos) digits = grouped(digits);
  return (negative ? "-" : "") + digits;
}

/// `1.200000E+003`, rounded half away from zero.
std::string scientific(std::string digits, std::size_t places, char letter) {
  auto exponent = digits.size() - 1;
  if (digits.size() > places + 1) {
    const bool up = digits[places + 1] >= '5';
    digits.resize(places + 1);
    auto last = digits.size();
    while (up && last > 0 && digits[last - 1] == '9') digits[--last] = '0';
    if (up && last > 0) ++digits[last - 1];
    if (up && last == 0) {
      digits.insert(digits.begin(), '1');
      digits.pop_back();
      ++exponent;
    }
  }
  digits.resize(places + 1, '0');
  const auto fraction = digits.substr(1);
  return fmt::format(
      "{}{}{}{}+{:03}", digits[0], fraction.empty() ? "" : ".", fraction, letter, exponent);
}

Result<std::string> format_integer(const nlohmann::json& value, std::string_view format) {
  const bool negative =
      value.is_number_integer() && !value.is_number_unsigned() && value.get<std::int64_t>() < 0;
  auto digits = value.dump();
  if (negative) digits.erase(0, 1);
  const char kind = static_cast<char>(std::toupper(static_cast<unsigned char>(format.front())));
  if (std::isalpha(static_cast<unsigned char>(kind)) == 0) {
    return by_pattern(format, negative, std::move(digits));
  }
  int precision = -1;
  const auto* const end = format.data() + format.size();
  const auto parsed = std::from_chars(format.data() + 1, end, precision);
  const bool sound = format.size() == 1 || (parsed.ec == std::errc() && parsed.ptr == end);
  if (!sound || precision > 99) {
    return bad(fmt::format("\"{}\" is no number format", printable(format, 40)));
  }
  const auto width = static_cast<std::size_t>(std::max(precision, 0));
  const std::string sign = negative ? "-" : "";
  const auto fraction = [&](std::size_t places) {
    return places == 0 ? std::string() : "." + std::string(places, '0');
  };
  switch (kind) {
    case 'C': {  // the invariant culture's currency, and its way to write a debt
      const auto amount = "¤" + grouped(digits) + fraction(precision < 0 ? 2 : width);
      return negative ? "(" + amount + ")" : amount;
    }
    case 'D':
      return sign + padded(std::move(digits), width);
    case 'E':
      return sign + scientific(std::move(digits), precision < 0 ? 6 : width, format.front());
    case 'F':
      return sign + digits + fraction(precision < 0 ? 2 : width);
    case 'G':
      return sign + digits;
    case 'N':
      return sign + grouped(digits) + fraction(precision < 0 ? 2 : width);
    case 'P': {
      if (digits != "0") digits += "00";
      return sign + grouped(digits) + fraction(precision < 0 ? 2 : width) + " %";
    }
    case 'X': {
      const auto bits = negative ? static_cast<std::uint64_t>(value.get<std::int64_t>())
                                 : value.get<std::uint64_t>();
      const bool upper = format.front() == 'X';
      return padded(upper ? fmt::format("{:X}", bits) : fmt::format("{:x}", bits), width);
    }
    default:
      return bad(fmt::format("the number format \"{}\" is not supported", printable(format, 40)));
  }
}

struct Item {
  std::size_t index = 0;
  int alignment = 0;
  std::string_view format;
};

/// @param text between the braces
Result<Item> parse_item(std::string_view text) {
  Item item;
  const auto colon = text.find(':');
  if (colon != std::string_view::npos) item.format = text.substr(colon + 1);
  auto head = text.substr(0, colon);
  const auto comma = head.find(',');
  const auto number = [](std::string_view digits, auto& target) {
    digits = trim(digits);
    const auto* const end = digits.data() + digits.size();
    const auto parsed = std::from_chars(digits.data(), end, target);
    return parsed.ec == std::errc() && parsed.ptr == end;
  };
  bool sound = number(head.substr(0, comma), item.index);
  if (comma != std::string_view::npos) {
    sound = sound && number(head.substr(comma + 1), item.alignment);
  }
  if (sound && std::abs(item.alignment) <= kWidest) return item;
  return bad(fmt::format("\"{{{}}}\" is no place of a format", printable(text, 40)));
}

Result<std::string> render(const Item& item, std::span<const nlohmann::json* const> values) {
  if (item.index >= values.size()) {
    return bad(fmt::format(
        "the format uses {{{}}}, but there are {} values after it", item.index, values.size()));
  }
  const auto& value = *values[item.index];
  std::string text;
  if (!item.format.empty() && value.is_number_integer()) {
    KILN_TRY_ASSIGN(text, format_integer(value, item.format));
  } else {
    text = text_of(value);
  }
  const auto width = static_cast<std::size_t>(std::abs(item.alignment));
  const auto size = count_units(text);
  if (size >= width) return text;
  const std::string blanks(width - size, ' ');
  return item.alignment < 0 ? text + blanks : blanks + text;
}

}  // namespace

Result<std::string> composite_format(std::string_view pattern,
                                     std::span<const nlohmann::json* const> values) {
  constexpr std::size_t kLongest = 16U << 20U;
  std::string text;
  for (std::size_t at = 0; at < pattern.size();) {
    const char c = pattern[at];
    if (c != '{' && c != '}') {
      text += c;
      ++at;
      continue;
    }
    if (at + 1 < pattern.size() && pattern[at + 1] == c) {
      text += c;
      at += 2;
      continue;
    }
    const auto end = pattern.find('}', at);
    if (c == '}' || end == std::string_view::npos) {
      return bad(
          fmt::format("a '{}' in the format has no partner; write it twice to mean itself", c));
    }
    KILN_TRY_ASSIGN(const auto item, parse_item(pattern.substr(at + 1, end - at - 1)));
    KILN_TRY_ASSIGN(const auto shown, render(item, values));
    if (text.size() + shown.size() > kLongest) return bad("the result is too long");
    text += shown;
    at = end + 1;
  }
  return text;
}

}  // namespace kiln::arm
