// Functions that take a lambda.
#include <algorithm>
#include <array>

#include "engine/core/text.h"
#include "engine/template/arm/functions.h"

namespace kiln::arm {
namespace {

using nlohmann::json;

Result<const Expression*> lambda_at(const Call& call, std::size_t index) {
  const auto& expression = call.expression.parts[index];
  const bool is_lambda = expression.kind == Expression::Kind::kCall &&
                         equal_ignoring_case(expression.text, "lambda") &&
                         !expression.parts.empty();
  if (!is_lambda) {
    return call.run.error(
        expression, "Arm:BadArgument", "a lambda is expected here: lambda('name', …)");
  }
  const auto names = std::span(expression.parts).first(expression.parts.size() - 1);
  for (const auto& name : names) {
    if (name.kind == Expression::Kind::kString) continue;
    return call.run.error(name, "Arm:BadArgument", "a lambda's variable is named by a string");
  }
  return &expression;
}

Result<Value> array_at(const Call& call, std::size_t index) {
  KILN_TRY_ASSIGN(auto value, call.run.evaluate(call.expression.parts[index]));
  if (value.data.is_array()) return value;
  return call.error(
      fmt::format("argument {} must be an array, and is {}", index + 1, type_of(value.data)));
}

Value item_of(const Value& array, std::size_t index) {
  auto origin = place_of_item(array.origin, index);
  return {array.data[index], place_or(std::move(origin), array.origin), nullptr};
}

Result<bool> truth(const Call& call, const Value& value) {
  if (value.data.is_boolean()) return value.data.get<bool>();
  return call.error(fmt::format("the lambda must give a bool, and gives {}", type_of(value.data)));
}

Result<std::string> key_text(const Call& call, const Value& value) {
  if (value.data.is_string()) return value.data.get<std::string>();
  return call.error(
      fmt::format("the lambda must give a string, and gives {}", type_of(value.data)));
}

/// Calls `use(item, index, lambda's result)` for each item.
template <class Use>
Result<void> for_each(const Call& call, const Value& array, const Expression& lambda, Use use) {
  for (std::size_t i = 0; i < array.data.size(); ++i) {
    const std::array arguments = {item_of(array, i), made(i)};
    KILN_TRY_ASSIGN(auto result, call.run.apply(lambda, arguments));
    if (result.partial != nullptr) return call.error("the lambda gives an unknown live state");
    KILN_TRY(use(arguments[0], std::move(result)));
  }
  return {};
}

Result<Value> map(const Call& call) {
  KILN_TRY_ASSIGN(const auto array, array_at(call, 0));
  KILN_TRY_ASSIGN(const auto* const lambda, lambda_at(call, 1));
  auto mapped = json::array();
  JsonPlace place = place_from(array.origin);
  KILN_TRY(for_each(call, array, *lambda, [&](const Value&, Value result) -> Result<void> {
    mapped.push_back(std::move(result.data));
    place.children.push_back(place_from(std::move(result.origin)));
    return {};
  }));
  // Items that expressions made stand where the whole expression does.
  const bool placed = std::all_of(place.children.begin(), place.children.end(), [](const auto& c) {
    return c.origin != nullptr;
  });
  if (!placed || mapped.empty()) return made(std::move(mapped));
  return Value{std::move(mapped), std::make_shared<const JsonPlace>(std::move(place)), nullptr};
}

Result<Value> filter(const Call& call) {
  KILN_TRY_ASSIGN(const auto array, array_at(call, 0));
  KILN_TRY_ASSIGN(const auto* const lambda, lambda_at(call, 1));
  auto kept = json::array();
  KILN_TRY(
      for_each(call, array, *lambda, [&](const Value& item, const Value& result) -> Result<void> {
        KILN_TRY_ASSIGN(const auto wanted, truth(call, result));
        if (wanted) kept.push_back(item.data);
        return {};
      }));
  return made(std::move(kept));
}

Result<Value> reduce(const Call& call) {
  KILN_TRY_ASSIGN(const auto array, array_at(call, 0));
  KILN_TRY_ASSIGN(auto state, call.run.evaluate(call.expression.parts[1]));
  KILN_TRY_ASSIGN(const auto* const lambda, lambda_at(call, 2));
  for (std::size_t i = 0; i < array.data.size(); ++i) {
    const std::array arguments = {std::move(state), item_of(array, i), made(i)};
    KILN_TRY_ASSIGN(state, call.run.apply(*lambda, arguments));
  }
  return state;
}

/// Sorts by merging, which needs no order that is consistent, because the lambda is the user's.
Result<void> merge_sort(const Call& call, const Expression& lambda, std::vector<Value>& items) {
  if (items.size() < 2) return {};
  const auto middle = items.begin() + static_cast<std::ptrdiff_t>(items.size() / 2);
  std::vector<Value> left(items.begin(), middle);
  std::vector<Value> right(middle, items.end());
  KILN_TRY(merge_sort(call, lambda, left));
  KILN_TRY(merge_sort(call, lambda, right));
  items.clear();
  std::size_t l = 0;
  std::size_t r = 0;
  while (l < left.size() && r < right.size()) {
    const std::array arguments = {right[r], left[l]};
    KILN_TRY_ASSIGN(const auto result, call.run.apply(lambda, arguments));
    KILN_TRY_ASSIGN(const auto right_first, truth(call, result));
    items.push_back(std::move(right_first ? right[r++] : left[l++]));
  }
  for (; l < left.size(); ++l) items.push_back(std::move(left[l]));
  for (; r < right.size(); ++r) items.push_back(std::move(right[r]));
  return {};
}

Result<Value> sort(const Call& call) {
  KILN_TRY_ASSIGN(const auto array, array_at(call, 0));
  KILN_TRY_ASSIGN(const auto* const lambda, lambda_at(call, 1));
  std::vector<Value> values;
  for (std::size_t i = 0; i < array.data.size(); ++i) values.push_back(item_of(array, i));
  KILN_TRY(merge_sort(call, *lambda, values));
  auto sorted = json::array();
  for (auto& value : values) sorted.push_back(std::move(value.data));
  return made(std::move(sorted));
}

Result<Value> to_object(const Call& call) {
  KILN_TRY_ASSIGN(const auto array, array_at(call, 0));
  KILN_TRY_ASSIGN(const auto* const key_lambda, lambda_at(call, 1));
  auto object = json::object();
  for (std::size_t i = 0; i < array.data.size(); ++i) {
    const std::array arguments = {item_of(array, i), made(i)};
    KILN_TRY_ASSIGN(const auto key, call.run.apply(*key_lambda, arguments));
    KILN_TRY_ASSIGN(const auto name, key_text(call, key));
    Value value = arguments[0];
    if (call.expression.parts.size() > 2) {
      KILN_TRY_ASSIGN(const auto* const value_lambda, lambda_at(call, 2));
      KILN_TRY_ASSIGN(value, call.run.apply(*value_lambda, arguments));
    }
    object[name] = std::move(value.data);
  }
  return made(std::move(object));
}

Result<Value> group_by(const Call& call) {
  KILN_TRY_ASSIGN(const auto array, array_at(call, 0));
  KILN_TRY_ASSIGN(const auto* const lambda, lambda_at(call, 1));
  auto groups = json::object();
  KILN_TRY(
      for_each(call, array, *lambda, [&](const Value& item, const Value& result) -> Result<void> {
        KILN_TRY_ASSIGN(const auto name, key_text(call, result));
        groups[name].push_back(item.data);
        return {};
      }));
  return made(std::move(groups));
}

Result<Value> map_values(const Call& call) {
  KILN_TRY_ASSIGN(const auto object, call.run.evaluate(call.expression.parts[0]));
  KILN_TRY_ASSIGN(const auto* const lambda, lambda_at(call, 1));
  if (!object.data.is_object()) return call.error("argument 1 must be an object");
  auto mapped = json::object();
  for (const auto& [key, member] : object.data.items()) {
    const std::array arguments = {made(member)};
    KILN_TRY_ASSIGN(auto result, call.run.apply(*lambda, arguments));
    mapped[key] = std::move(result.data);
  }
  return made(std::move(mapped));
}

Result<Value> lambda(const Call& call) {
  return call.error("a lambda can only be an argument of map, filter, reduce, sort, …");
}

Result<Value> lambda_variables(const Call& call) {
  KILN_TRY_ASSIGN(const auto name, call.string(0));
  for (const auto* frame = call.run.frame(); frame != nullptr; frame = frame->outer) {
    if (frame->kind == Frame::Kind::kLambda && equal_ignoring_case(frame->name, name)) {
      return *frame->value;
    }
  }
  return call.error(
      fmt::format("no lambda around this has a variable \"{}\"", printable(name, 60)));
}

constexpr std::array kFunctions = {
    Function{"filter", 2, 2, filter, true},
    Function{"groupBy", 2, 2, group_by, true},
    Function{"lambda", 1, -1, lambda, true},
    Function{"lambdaVariables", 1, 1, lambda_variables},
    Function{"map", 2, 2, map, true},
    Function{"mapValues", 2, 2, map_values, true},
    Function{"reduce", 3, 3, reduce, true},
    Function{"sort", 2, 2, sort, true},
    Function{"toObject", 2, 3, to_object, true},
};

}  // namespace

std::span<const Function> lambda_functions() {
  return kFunctions;
}

}  // namespace kiln::arm
