// Arithmetic, and comparison of numbers and texts.
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

#include "engine/core/text.h"
#include "engine/template/arm/functions.h"

namespace kiln::arm {
namespace {

using Operation = bool (*)(std::int64_t, std::int64_t, std::int64_t*);

Result<Value> calculate(const Call& call, Operation operation) {
  KILN_TRY_ASSIGN(const auto a, call.integer(0));
  KILN_TRY_ASSIGN(const auto b, call.integer(1));
  std::int64_t result = 0;
  if (!operation(a, b, &result)) return made(result);
  return call.error("the result does not fit into a 64-bit integer");
}

Result<Value> add(const Call& call) {
  return calculate(call, [](std::int64_t a, std::int64_t b, std::int64_t* result) {
    return __builtin_add_overflow(a, b, result);
  });
}

Result<Value> sub(const Call& call) {
  return calculate(call, [](std::int64_t a, std::int64_t b, std::int64_t* result) {
    return __builtin_sub_overflow(a, b, result);
  });
}

Result<Value> mul(const Call& call) {
  return calculate(call, [](std::int64_t a, std::int64_t b, std::int64_t* result) {
    return __builtin_mul_overflow(a, b, result);
  });
}

Result<Value> divide(const Call& call, bool remainder) {
  KILN_TRY_ASSIGN(const auto a, call.integer(0));
  KILN_TRY_ASSIGN(const auto b, call.integer(1));
  if (b == 0) return call.error("the divisor is 0");
  if (b == -1) {  // INT64_MIN / -1 has no answer
    if (remainder) return made(0);
    return calculate(call, [](std::int64_t x, std::int64_t, std::int64_t* result) {
      return __builtin_sub_overflow(std::int64_t{0}, x, result);
    });
  }
  return made(remainder ? a % b : a / b);
}

Result<Value> div(const Call& call) {
  return divide(call, false);
}

Result<Value> mod(const Call& call) {
  return divide(call, true);
}

Result<Value> to_int(const Call& call) {
  const auto& value = call.at(0);
  if (value.is_number_integer()) return call.arguments[0];
  if (value.is_number_float()) {
    const auto number = value.get<double>();
    if (std::abs(number) < 9e18) return made(static_cast<std::int64_t>(number));
    return call.error("the number does not fit into a 64-bit integer");
  }
  KILN_TRY_ASSIGN(const auto text, call.string(0));
  auto digits = trim(text);
  if (digits.starts_with('+')) digits.remove_prefix(1);
  std::int64_t number = 0;
  const auto* const end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, number);
  if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != end) {
    return call.error("the text is no integer");
  }
  return made(number);
}

Result<Value> to_float(const Call& call) {
  const auto& value = call.at(0);
  if (value.is_number()) return made(value.get<double>());
  KILN_TRY_ASSIGN(const auto text, call.string(0));
  const auto digits = trim(text);
  double number = 0;
  const auto* const end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, number);
  if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != end || !std::isfinite(number)) {
    return call.error("the text is no number");
  }
  return made(number);
}

/// Letters in the order of a dictionary, and only where that finds no difference, lower case first:
/// `a` < `A` < `b`. As in .NET's invariant culture, for ASCII.
int compare_texts(const std::string& a, const std::string& b) {
  const auto order = to_lower(a).compare(to_lower(b));
  return order != 0 ? order : b.compare(a);
}

/// Negative, 0 or positive.
Result<int> compare(const Call& call) {
  const auto& a = call.at(0);
  const auto& b = call.at(1);
  if (a.is_number() && b.is_number()) return a < b ? -1 : (b < a ? 1 : 0);
  if (!a.is_string() || !b.is_string()) {
    return call.error(
        fmt::format("two ints or two strings are compared, not {} and {}", type_of(a), type_of(b)));
  }
  return compare_texts(a.get_ref<const std::string&>(), b.get_ref<const std::string&>());
}

Result<Value> greater(const Call& call) {
  KILN_TRY_ASSIGN(const auto order, compare(call));
  return made(order > 0);
}

Result<Value> greater_or_equals(const Call& call) {
  KILN_TRY_ASSIGN(const auto order, compare(call));
  return made(order >= 0);
}

Result<Value> less(const Call& call) {
  KILN_TRY_ASSIGN(const auto order, compare(call));
  return made(order < 0);
}

Result<Value> less_or_equals(const Call& call) {
  KILN_TRY_ASSIGN(const auto order, compare(call));
  return made(order <= 0);
}

constexpr std::array kFunctions = {
    Function{"add", 2, 2, add},
    Function{"div", 2, 2, div},
    Function{"float", 1, 1, to_float},
    Function{"greater", 2, 2, greater},
    Function{"greaterOrEquals", 2, 2, greater_or_equals},
    Function{"int", 1, 1, to_int},
    Function{"less", 2, 2, less},
    Function{"lessOrEquals", 2, 2, less_or_equals},
    Function{"mod", 2, 2, mod},
    Function{"mul", 2, 2, mul},
    Function{"sub", 2, 2, sub},
};

}  // namespace

std::span<const Function> number_functions() {
  return kFunctions;
}

}  // namespace kiln::arm
