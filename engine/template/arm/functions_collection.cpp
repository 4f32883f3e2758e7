// Functions of arrays, and those that take arrays, texts and objects alike.
#include <algorithm>
#include <array>

#include "engine/core/text.h"
#include "engine/template/arm/functions.h"
#include "engine/template/arm/text_units.h"

namespace kiln::arm {
namespace {

using nlohmann::json;

Value item_of(const Value& array, std::size_t index) {
  auto origin = place_of_item(array.origin, index);
  return {array.data[index], place_or(std::move(origin), array.origin), nullptr};
}

Result<Value> array_of(const Call& call) {
  return call.at(0).is_array() ? call.arguments[0] : made(json::array({call.at(0)}));
}

Result<Value> create_array(const Call& call) {
  auto array = json::array();
  for (const auto& argument : call.arguments) array.push_back(argument.data);
  return made(std::move(array));
}

Result<Value> contains(const Call& call) {
  const auto& container = call.at(0);
  if (container.is_array()) {
    return made(std::any_of(container.begin(), container.end(), [&](const json& item) {
      return same_value(item, call.at(1));
    }));
  }
  if (container.is_structured()) {
    KILN_TRY_ASSIGN(const auto name, call.string(1));
    return made(find_member(container, name) != nullptr);
  }
  KILN_TRY_ASSIGN(const auto text, call.string(0));
  if (call.at(1).is_structured()) return call.wrong(1, "a string");
  return made(text.find(text_of(call.at(1))) != std::string::npos);
}

Result<Value> empty(const Call& call) {
  const auto& value = call.at(0);
  if (value.is_string()) return made(value.get_ref<const std::string&>().empty());
  if (value.is_structured() || value.is_null()) return made(value.empty());
  return call.wrong(0, "a string, an array or an object");
}

Result<Value> length(const Call& call) {
  const auto& value = call.at(0);
  if (value.is_string()) return made(count_units(value.get_ref<const std::string&>()));
  if (value.is_structured()) return made(value.size());
  return call.wrong(0, "a string, an array or an object");
}

Result<Value> end_item(const Call& call, bool first) {
  const auto& value = call.at(0);
  if (value.is_array()) {
    if (value.empty()) return Value{};
    return item_of(call.arguments[0], first ? 0 : value.size() - 1);
  }
  if (!value.is_string()) return call.wrong(0, "an array or a string");
  const auto units = to_units(value.get_ref<const std::string&>());
  if (units.empty()) return made("");
  return made(from_units(std::u16string(1, first ? units.front() : units.back())));
}

Result<Value> first(const Call& call) {
  return end_item(call, true);
}

Result<Value> last(const Call& call) {
  return end_item(call, false);
}

/// Texts are searched whatever their case, items of arrays are not.
Result<Value> find_index(const Call& call, bool from_end) {
  if (call.at(0).is_array()) {
    const auto& array = call.at(0);
    for (std::size_t i = 0; i < array.size(); ++i) {
      const auto at = from_end ? array.size() - 1 - i : i;
      if (same_value(array[at], call.at(1))) return made(at);
    }
    return made(-1);
  }
  KILN_TRY_ASSIGN(const auto text, call.string(0));
  KILN_TRY_ASSIGN(const auto part, call.string(1));
  const auto units = to_units(to_lower(text));
  const auto wanted = to_units(to_lower(part));
  const auto found = from_end ? units.rfind(wanted) : units.find(wanted);
  return made(found == std::u16string::npos ? -1 : static_cast<std::int64_t>(found));
}

Result<Value> index_of(const Call& call) {
  return find_index(call, false);
}

Result<Value> last_index_of(const Call& call) {
  return find_index(call, true);
}

/// A number of leading items or characters, kept or left out.
Result<Value> part(const Call& call, bool keep) {
  KILN_TRY_ASSIGN(const auto wanted, call.integer(1));
  const auto leading = static_cast<std::size_t>(std::max<std::int64_t>(wanted, 0));
  if (call.at(0).is_array()) {
    const auto& array = call.at(0);
    const auto middle =
        array.begin() + static_cast<std::ptrdiff_t>(std::min(leading, array.size()));
    return made(keep ? json(json::array_t(array.begin(), middle))
                     : json(json::array_t(middle, array.end())));
  }
  if (!call.at(0).is_string()) return call.wrong(0, "an array or a string");
  const auto units = to_units(call.at(0).get_ref<const std::string&>());
  const auto middle = std::min(leading, units.size());
  const std::u16string_view view(units);
  return made(from_units(keep ? view.substr(0, middle) : view.substr(middle)));
}

Result<Value> take(const Call& call) {
  return part(call, true);
}

Result<Value> skip(const Call& call) {
  return part(call, false);
}

Result<Value> flatten(const Call& call) {
  KILN_TRY_ASSIGN(const auto* const outer, call.array(0));
  auto flat = json::array();
  for (const auto& inner : *outer) {
    if (!inner.is_array()) return call.error("every item of the array must be an array");
    flat.insert(flat.end(), inner.begin(), inner.end());
  }
  return made(std::move(flat));
}

Result<Value> range(const Call& call) {
  constexpr std::int64_t kLongest = 10'000;
  KILN_TRY_ASSIGN(const auto start, call.integer(0));
  KILN_TRY_ASSIGN(const auto count, call.integer(1));
  if (count < 0 || count > kLongest) {
    return call.error(fmt::format("the number of items must be between 0 and {}", kLongest));
  }
  if (start > INT32_MAX - count || start < INT32_MIN) {
    return call.error("the items must be 32-bit integers");
  }
  auto numbers = json::array();
  for (std::int64_t i = 0; i < count; ++i) numbers.push_back(start + i);
  return made(std::move(numbers));
}

/// The numbers given one by one, or as one array.
Result<std::vector<std::int64_t>> integers(const Call& call) {
  std::vector<std::int64_t> numbers;
  if (call.count() == 1 && call.at(0).is_array()) {
    for (const auto& item : call.at(0)) {
      if (!item.is_number_integer()) return call.error("every item must be an int");
      numbers.push_back(item.get<std::int64_t>());
    }
  } else {
    for (std::size_t i = 0; i < call.count(); ++i) {
      KILN_TRY_ASSIGN(const auto number, call.integer(i));
      numbers.push_back(number);
    }
  }
  if (numbers.empty()) return call.error("the array must not be empty");
  return numbers;
}

Result<Value> min(const Call& call) {
  KILN_TRY_ASSIGN(const auto numbers, integers(call));
  return made(*std::min_element(numbers.begin(), numbers.end()));
}

Result<Value> max(const Call& call) {
  KILN_TRY_ASSIGN(const auto numbers, integers(call));
  return made(*std::max_element(numbers.begin(), numbers.end()));
}

Result<std::size_t> from_end(const Call& call) {
  KILN_TRY_ASSIGN(const auto* const array, call.array(0));
  KILN_TRY_ASSIGN(const auto back, call.integer(1));
  const auto size = static_cast<std::int64_t>(array->size());
  if (back < 1 || back > size) return static_cast<std::size_t>(size);
  return static_cast<std::size_t>(size - back);
}

Result<Value> index_from_end(const Call& call) {
  KILN_TRY_ASSIGN(const auto index, from_end(call));
  if (index < call.at(0).size()) return item_of(call.arguments[0], index);
  return call.error(fmt::format("the array has {} items only", call.at(0).size()));
}

Result<Value> try_index_from_end(const Call& call) {
  KILN_TRY_ASSIGN(const auto index, from_end(call));
  return index < call.at(0).size() ? item_of(call.arguments[0], index) : Value{};
}

constexpr std::array kFunctions = {
    Function{"array", 1, 1, array_of},
    Function{"contains", 2, 2, contains},
    Function{"createArray", 0, -1, create_array},
    Function{"empty", 1, 1, empty},
    Function{"first", 1, 1, first},
    Function{"flatten", 1, 1, flatten},
    Function{"indexFromEnd", 2, 2, index_from_end},
    Function{"indexOf", 2, 2, index_of},
    Function{"last", 1, 1, last},
    Function{"lastIndexOf", 2, 2, last_index_of},
    Function{"length", 1, 1, length},
    Function{"max", 1, -1, max},
    Function{"min", 1, -1, min},
    Function{"range", 2, 2, range},
    Function{"skip", 2, 2, skip},
    Function{"take", 2, 2, take},
    Function{"tryIndexFromEnd", 2, 2, try_index_from_end},
};

}  // namespace

std::span<const Function> collection_functions() {
  return kFunctions;
}

}  // namespace kiln::arm
