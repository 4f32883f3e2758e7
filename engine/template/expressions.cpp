#include "engine/template/expressions.h"

#include "engine/core/text.h"

namespace kiln {
namespace {

/// In ARM only a string that both starts and ends with a bracket is special; `[a] b` is plain text.
bool in_brackets(std::string_view text) {
  return text.size() >= 2 && text.front() == '[' && text.back() == ']';
}

bool is_escaped(std::string_view text) {
  return in_brackets(text) && text[1] == '[';
}

struct Scan {
  std::vector<std::string> path;  ///< tokens down to the first expression
  bool found = false;
  std::size_t escapes = 0;
};

/// Walks plain values, because a reader for every value of a large document would be costly.
void scan(const nlohmann::json& value, Scan& result) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    result.escapes += is_escaped(text) ? 1 : 0;
    result.found = in_brackets(text) && !is_escaped(text);
    return;
  }
  if (!value.is_structured()) return;
  std::size_t index = 0;
  for (const auto& [key, child] : value.items()) {
    result.path.push_back(value.is_array() ? std::to_string(index++) : key);
    scan(child, result);
    if (result.found) return;
    result.path.pop_back();
  }
}

void unescape(nlohmann::json& value) {
  if (value.is_string()) {
    auto& text = value.get_ref<std::string&>();
    if (is_escaped(text)) text.erase(0, 1);
    return;
  }
  if (!value.is_structured()) return;
  for (auto& child : value) unescape(child);
}

Result<JsonReader> follow(JsonReader place, const std::vector<std::string>& path) {
  for (const auto& token : path) {
    if (place.value().is_array()) {
      KILN_TRY_ASSIGN(const auto items, place.items());
      place = items[std::stoul(token)];
    } else {
      KILN_TRY_ASSIGN(place, place.require(token));
    }
  }
  return place;
}

}  // namespace

Result<JsonReader> resolve_expressions(const JsonReader& document,
                                       std::vector<std::string>& notices) {
  Scan result;
  scan(document.value(), result);
  if (result.found) {
    KILN_TRY_ASSIGN(const auto place, follow(document, result.path));
    const auto& text = place.value().get_ref<const std::string&>();
    return not_yet_supported(place,
                             fmt::format("the ARM expression \"{}\"", printable(text, 80)),
                             "write the value itself; if the brackets are meant literally, double "
                             "the first one: \"[[…]\"");
  }
  if (result.escapes == 0) return document;
  notices.push_back(
      fmt::format("\"[[…]\" is ARM's escape for a literal \"[…]\" and was read so in {} place(s)",
                  result.escapes));
  auto value = document.value();
  unescape(value);
  return document.with_value(std::move(value));
}

}  // namespace kiln
