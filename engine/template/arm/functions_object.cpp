// Functions of objects, and the set functions that take objects or arrays.
#include <algorithm>
#include <array>

#include "engine/core/text.h"
#include "engine/template/arm/functions.h"

namespace kiln::arm {
namespace {

using nlohmann::json;

Result<Value> create_object(const Call& call) {
  if (call.count() % 2 != 0) return call.error("names and values must come in pairs");
  auto object = json::object();
  for (std::size_t i = 0; i < call.count(); i += 2) {
    KILN_TRY_ASSIGN(const auto name, call.string(i));
    object[name] = call.at(i + 1);
  }
  return made(std::move(object));
}

Result<Value> items(const Call& call) {
  KILN_TRY_ASSIGN(const auto* const object, call.object(0));
  auto list = json::array();
  for (const auto& [key, value] : object->items()) {
    list.push_back({{"key", key}, {"value", value}});
  }
  return made(std::move(list));
}

Result<Value> object_keys(const Call& call) {
  KILN_TRY_ASSIGN(const auto* const object, call.object(0));
  auto keys = json::array();
  for (const auto& [key, value] : object->items()) keys.push_back(key);
  return made(std::move(keys));
}

void set_member(json& object, const std::string& key, json value) {
  std::string spelling = key;
  find_member(object, key, &spelling);
  object[spelling] = std::move(value);
}

/// Objects inside are merged too; arrays inside are replaced.
void merge_deeply(json& target, const json& source) {
  for (const auto& [key, value] : source.items()) {
    std::string spelling = key;
    const auto* there = find_member(target, key, &spelling);
    if (there != nullptr && there->is_object() && value.is_object()) {
      merge_deeply(target[spelling], value);
    } else {
      target[spelling] = value;
    }
  }
}

bool holds(const json& array, const json& item) {
  return std::any_of(
      array.begin(), array.end(), [&](const json& other) { return same_value(other, item); });
}

/// Comparing items with each other costs their product.
Result<void> pay_for_pairs(const Call& call, const json& a, const json& b) {
  if (call.run.scope().context().budget.charge(a.size() * b.size() / 16)) return {};
  return call.error("the arrays are too large");
}

Result<Value> union_of(const Call& call) {
  if (call.at(0).is_object()) {
    auto merged = call.at(0);
    for (std::size_t i = 1; i < call.count(); ++i) {
      KILN_TRY_ASSIGN(const auto* const object, call.object(i));
      merge_deeply(merged, *object);
    }
    return made(std::move(merged));
  }
  auto merged = json::array();
  for (std::size_t i = 0; i < call.count(); ++i) {
    KILN_TRY_ASSIGN(const auto* const array, call.array(i));
    for (const auto& item : *array) {
      KILN_TRY(pay_for_pairs(call, merged, json::array({0})));
      if (!holds(merged, item)) merged.push_back(item);
    }
  }
  return made(std::move(merged));
}

Result<Value> intersection(const Call& call) {
  auto common = call.at(0);
  for (std::size_t i = 1; i < call.count(); ++i) {
    if (common.is_object()) {
      KILN_TRY_ASSIGN(const auto* const object, call.object(i));
      auto kept = json::object();
      for (const auto& [key, value] : common.items()) {
        const auto* other = find_member(*object, key);
        if (other != nullptr && same_value(*other, value)) kept[key] = value;
      }
      common = std::move(kept);
      continue;
    }
    if (!common.is_array()) return call.wrong(0, "an array or an object");
    KILN_TRY_ASSIGN(const auto* const array, call.array(i));
    KILN_TRY(pay_for_pairs(call, common, *array));
    auto kept = json::array();
    for (const auto& item : common) {
      if (holds(*array, item) && !holds(kept, item)) kept.push_back(item);
    }
    common = std::move(kept);
  }
  return made(std::move(common));
}

Result<Value> shallow_merge(const Call& call) {
  KILN_TRY_ASSIGN(const auto* const objects, call.array(0));
  auto merged = json::object();
  for (const auto& object : *objects) {
    if (object.is_null()) continue;
    if (!object.is_object()) return call.error("every item of the array must be an object");
    for (const auto& [key, value] : object.items()) set_member(merged, key, value);
  }
  return made(std::move(merged));
}

Result<Value> null(const Call& /*call*/) {
  return Value{};
}

/// Null where one of the names leads nowhere, and no error.
Result<Value> try_get(const Call& call) {
  Value value;
  {
    auto base = call.run.evaluate(call.expression.parts[0]);
    if (!base) return base;
    value = *std::move(base);
  }
  for (std::size_t i = 1; i < call.expression.parts.size(); ++i) {
    KILN_TRY_ASSIGN(const auto key, call.run.evaluate(call.expression.parts[i]));
    if (value.partial != nullptr && key.data.is_string()) {
      KILN_TRY_ASSIGN(auto found, value.partial->member(key.data.get_ref<const std::string&>()));
      if (!found) return Value{};
      value = *std::move(found);
    } else if (key.data.is_string()) {
      std::string spelling;
      const auto* found =
          find_member(value.data, key.data.get_ref<const std::string&>(), &spelling);
      if (found == nullptr) return Value{};
      auto origin = place_of_key(value.origin, spelling);
      value = {json(*found), place_or(std::move(origin), value.origin), nullptr};
    } else if (key.data.is_number_integer()) {
      const auto at = key.data.get<std::int64_t>();
      if (!value.data.is_array() || at < 0 || at >= static_cast<std::int64_t>(value.data.size())) {
        return Value{};
      }
      const auto index = static_cast<std::size_t>(at);
      auto origin = place_of_item(value.origin, index);
      value = {json(value.data[index]), place_or(std::move(origin), value.origin), nullptr};
    } else {
      return call.run.error(call.expression.parts[i],
                            "Arm:BadArgument",
                            "what is looked up must be a string or an int");
    }
  }
  return value;
}

constexpr std::array kFunctions = {
    Function{"createObject", 0, -1, create_object},
    Function{"intersection", 2, -1, intersection},
    Function{"items", 1, 1, items},
    Function{"null", 0, 0, null},
    Function{"objectKeys", 1, 1, object_keys},
    Function{"shallowMerge", 1, 1, shallow_merge},
    Function{"tryGet", 2, -1, try_get, true},
    Function{"union", 2, -1, union_of},
};

}  // namespace

std::span<const Function> object_functions() {
  return kFunctions;
}

}  // namespace kiln::arm
