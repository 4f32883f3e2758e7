// concat, format, substring, replace, …
#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "engine/core/text.h"
#include "engine/template/arm/composite_format.h"
#include "engine/template/arm/functions.h"
#include "engine/template/arm/text_units.h"

namespace kiln::arm {
namespace {

/// Where a result can be far longer than the arguments that the budget has paid for.
constexpr std::size_t kLongest = 16U << 20U;

Result<Value> concat(const Call& call) {
  if (call.at(0).is_array()) {
    auto joined = nlohmann::json::array();
    for (std::size_t i = 0; i < call.count(); ++i) {
      KILN_TRY_ASSIGN(const auto* const array, call.array(i));
      joined.insert(joined.end(), array->begin(), array->end());
    }
    return made(std::move(joined));
  }
  std::string text;
  for (std::size_t i = 0; i < call.count(); ++i) {
    if (call.at(i).is_structured()) return call.wrong(i, "a string");
    text += text_of(call.at(i));
  }
  return made(std::move(text));
}

Result<Value> format(const Call& call) {
  KILN_TRY_ASSIGN(const auto pattern, call.string(0));
  std::vector<const nlohmann::json*> values;
  for (std::size_t i = 1; i < call.count(); ++i) values.push_back(&call.at(i));
  auto text = composite_format(pattern, values);
  if (!text) return call.error(text.error().message());
  return made(*std::move(text));
}

/// ARM keeps the order in which members were written. Values here are sorted; their places know.
void write_in_order(const nlohmann::json& value, const PlacePtr& place, std::string& text) {
  if (value.is_array()) {
    text += '[';
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (i > 0) text += ',';
      write_in_order(value[i], place_of_item(place, i), text);
    }
    text += ']';
  } else if (value.is_object()) {
    std::set<std::string_view> written;
    const auto add = [&](const std::string& key, const PlacePtr& at) {
      const auto member = value.find(key);
      if (member == value.end() || !written.insert(key).second) return;
      if (written.size() > 1) text += ',';
      text += dump_json(key) + ':';
      write_in_order(*member, at, text);
    };
    text += '{';
    const auto keys = place == nullptr ? std::vector<std::string>() : keys_of(*place);
    for (std::size_t i = 0; i < keys.size(); ++i) add(keys[i], place_of_written_key(place, i));
    for (const auto& [key, member] : value.items()) add(key, nullptr);
    text += '}';
  } else {
    text += dump_json(value);
  }
}

Result<Value> to_string_value(const Call& call) {
  if (!call.at(0).is_structured()) return made(text_of(call.at(0)));
  std::string text;
  write_in_order(call.at(0), call.arguments[0].origin, text);
  return made(std::move(text));
}

Result<Value> to_lower_case(const Call& call) {
  KILN_TRY_ASSIGN(const auto text, call.string(0));
  return made(to_lower(text));
}

Result<Value> to_upper_case(const Call& call) {
  KILN_TRY_ASSIGN(const auto text, call.string(0));
  return made(to_upper(text));
}

Result<Value> trim_text(const Call& call) {
  KILN_TRY_ASSIGN(const auto text, call.string(0));
  return made(std::string(trim(text)));
}

Result<Value> starts_with(const Call& call) {
  KILN_TRY_ASSIGN(const auto text, call.string(0));
  KILN_TRY_ASSIGN(const auto start, call.string(1));
  return made(to_lower(text).starts_with(to_lower(start)));
}

Result<Value> ends_with(const Call& call) {
  KILN_TRY_ASSIGN(const auto text, call.string(0));
  KILN_TRY_ASSIGN(const auto end, call.string(1));
  return made(to_lower(text).ends_with(to_lower(end)));
}

Result<Value> replace(const Call& call) {
  KILN_TRY_ASSIGN(const auto text, call.string(0));
  KILN_TRY_ASSIGN(const auto old_text, call.string(1));
  KILN_TRY_ASSIGN(const auto new_text, call.string(2));
  if (old_text.empty()) return call.error("what is to be replaced must not be empty");
  std::string result;
  std::size_t from = 0;
  for (auto at = text.find(old_text); at != std::string::npos; at = text.find(old_text, from)) {
    result.append(text, from, at - from);
    result += new_text;
    from = at + old_text.size();
    if (result.size() > kLongest) return call.error("the result is too long");
  }
  return made(result.append(text, from));
}

Result<Value> split_text(const Call& call) {
  KILN_TRY_ASSIGN(const auto text, call.string(0));
  std::vector<std::string> delimiters;
  if (call.at(1).is_array()) {
    for (const auto& delimiter : call.at(1)) {
      if (!delimiter.is_string()) return call.wrong(1, "a string or an array of strings");
      delimiters.push_back(delimiter.get<std::string>());
    }
  } else {
    KILN_TRY_ASSIGN(auto delimiter, call.string(1));
    delimiters.push_back(std::move(delimiter));
  }
  auto parts = nlohmann::json::array();
  std::size_t from = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto found = std::find_if(delimiters.begin(), delimiters.end(), [&](const auto& d) {
      return !d.empty() && text.compare(at, d.size(), d) == 0;
    });
    if (found == delimiters.end()) {
      ++at;
      continue;
    }
    parts.push_back(text.substr(from, at - from));
    at += found->size();
    from = at;
  }
  parts.push_back(text.substr(from));
  return made(std::move(parts));
}

Result<Value> join(const Call& call) {
  KILN_TRY_ASSIGN(const auto* const array, call.array(0));
  KILN_TRY_ASSIGN(const auto delimiter, call.string(1));
  std::string text;
  for (std::size_t i = 0; i < array->size(); ++i) {
    if (i > 0) text += delimiter;
    text += text_of((*array)[i]);
    if (text.size() > kLongest) return call.error("the result is too long");
  }
  return made(std::move(text));
}

Result<Value> substring(const Call& call) {
  KILN_TRY_ASSIGN(const auto text, call.string(0));
  const auto units = to_units(text);
  const auto size = static_cast<std::int64_t>(units.size());
  std::int64_t start = 0;
  if (call.count() > 1) {
    KILN_TRY_ASSIGN(start, call.integer(1));
  }
  auto length = size - std::min(start, size);
  if (call.count() > 2) {
    KILN_TRY_ASSIGN(length, call.integer(2));
  }
  if (start < 0 || length < 0 || start > size || length > size - start) {
    return call.error(fmt::format(
        "the text has {} characters, and {} from {} on are asked for", size, length, start));
  }
  return made(from_units(std::u16string_view(units).substr(static_cast<std::size_t>(start),
                                                           static_cast<std::size_t>(length))));
}

Result<Value> pad_left(const Call& call) {
  auto text = text_of(call.at(0));
  if (call.at(0).is_structured()) return call.wrong(0, "a string or an int");
  KILN_TRY_ASSIGN(const auto width, call.integer(1));
  std::string pad = " ";
  if (call.count() > 2) {
    KILN_TRY_ASSIGN(pad, call.string(2));
  }
  if (count_units(pad) != 1) return call.error("the padding must be one character");
  if (width < 0 || width > 4096) return call.error("the width must be between 0 and 4096");
  const auto size = static_cast<std::int64_t>(count_units(text));
  std::string padding;
  for (auto i = size; i < width; ++i) padding += pad;
  return made(padding + text);
}

constexpr std::array kFunctions = {
    Function{"concat", 1, -1, concat},
    Function{"endsWith", 2, 2, ends_with},
    Function{"format", 1, -1, format},
    Function{"join", 2, 2, join},
    Function{"padLeft", 2, 3, pad_left},
    Function{"replace", 3, 3, replace},
    Function{"split", 2, 2, split_text},
    Function{"startsWith", 2, 2, starts_with},
    Function{"string", 1, 1, to_string_value},
    Function{"substring", 1, 3, substring},
    Function{"toLower", 1, 1, to_lower_case},
    Function{"toUpper", 1, 1, to_upper_case},
    Function{"trim", 1, 1, trim_text},
};

}  // namespace

std::span<const Function> string_functions() {
  return kFunctions;
}

}  // namespace kiln::arm
