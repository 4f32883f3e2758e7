// Truth values and conditions. What is not needed is not evaluated.
#include <array>

#include "engine/core/text.h"
#include "engine/template/arm/functions.h"

namespace kiln::arm {
namespace {

Result<bool> truth(const Call& call, std::size_t index) {
  KILN_TRY_ASSIGN(const auto value, call.run.evaluate(call.expression.parts[index]));
  if (value.data.is_boolean()) return value.data.get<bool>();
  return call.error(
      fmt::format("argument {} must be a bool, and is {}", index + 1, type_of(value.data)));
}

Result<Value> choose(const Call& call) {
  KILN_TRY_ASSIGN(const auto condition, truth(call, 0));
  return call.run.evaluate(call.expression.parts[condition ? 1 : 2]);
}

/// @param stop the truth value that decides
Result<Value> until(const Call& call, bool stop) {
  for (std::size_t i = 0; i < call.expression.parts.size(); ++i) {
    KILN_TRY_ASSIGN(const auto value, truth(call, i));
    if (value == stop) return made(stop);
  }
  return made(!stop);
}

Result<Value> all_of(const Call& call) {
  return until(call, false);
}

Result<Value> any_of(const Call& call) {
  return until(call, true);
}

Result<Value> not_of(const Call& call) {
  KILN_TRY_ASSIGN(const auto value, call.boolean(0));
  return made(!value);
}

Result<Value> coalesce(const Call& call) {
  Value value;
  for (const auto& part : call.expression.parts) {
    KILN_TRY_ASSIGN(value, call.run.evaluate(part));
    if (value.partial != nullptr || !value.data.is_null()) break;
  }
  return value;
}

Result<Value> equals(const Call& call) {
  return made(same_value(call.at(0), call.at(1)));
}

Result<Value> yes(const Call& /*call*/) {
  return made(true);
}

Result<Value> no(const Call& /*call*/) {
  return made(false);
}

Result<Value> to_bool(const Call& call) {
  const auto& value = call.at(0);
  if (value.is_boolean()) return call.arguments[0];
  if (value.is_number_integer()) return made(value != 0);
  KILN_TRY_ASSIGN(const auto text, call.string(0));
  if (equal_ignoring_case(text, "true") || text == "1") return made(true);
  if (equal_ignoring_case(text, "false") || text == "0") return made(false);
  return call.error("the text is neither true nor false");
}

Result<Value> fail_on_purpose(const Call& call) {
  KILN_TRY_ASSIGN(const auto message, call.string(0));
  return call.run.error(call.expression,
                        "Arm:TemplateFailed",
                        fmt::format("the template says: {}", printable(message)));
}

constexpr std::array kFunctions = {
    Function{"and", 2, -1, all_of, true},
    Function{"bool", 1, 1, to_bool},
    Function{"coalesce", 1, -1, coalesce, true},
    Function{"equals", 2, 2, equals},
    Function{"fail", 1, 1, fail_on_purpose},
    Function{"false", 0, 0, no},
    Function{"if", 3, 3, choose, true},
    Function{"not", 1, 1, not_of},
    Function{"or", 2, -1, any_of, true},
    Function{"true", 0, 0, yes},
};

}  // namespace

std::span<const Function> logic_functions() {
  return kFunctions;
}

}  // namespace kiln::arm
