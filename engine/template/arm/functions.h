#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/template/arm/evaluator.h"

namespace kiln::arm {

/// One call of a function of the template language.
struct Call {
  Evaluator& run;
  const Expression& expression;
  std::vector<Value> arguments;  ///< empty for a special function

  [[nodiscard]] std::size_t count() const { return arguments.size(); }
  [[nodiscard]] const nlohmann::json& at(std::size_t index) const { return arguments[index].data; }
  [[nodiscard]] Error error(std::string message) const;
  /// The argument is not what the function takes.
  [[nodiscard]] Error wrong(std::size_t index, std::string_view wanted) const;
  [[nodiscard]] Result<std::string> string(std::size_t index) const;
  [[nodiscard]] Result<std::int64_t> integer(std::size_t index) const;
  [[nodiscard]] Result<bool> boolean(std::size_t index) const;
  /// The argument as it is, checked to be an array or an object.
  [[nodiscard]] Result<const nlohmann::json*> array(std::size_t index) const;
  [[nodiscard]] Result<const nlohmann::json*> object(std::size_t index) const;
};

struct Function {
  std::string_view name;
  int least;  ///< arguments
  int most;   ///< -1: any number
  Result<Value> (*body)(const Call& call);
  /// It evaluates its arguments itself, because not all of them are always wanted.
  bool special = false;
};

/// Null where there is none; the name may be in any case, and begin with `sys.`.
const Function* find_function(std::string_view name);
std::vector<std::string_view> function_names();
/// Checks the number of arguments first.
Result<Value> call_function(const Function& function, const Call& call);

// One table a topic, each in its own file.
std::span<const Function> string_functions();
std::span<const Function> encoding_functions();
std::span<const Function> collection_functions();
std::span<const Function> object_functions();
std::span<const Function> lambda_functions();
std::span<const Function> number_functions();
std::span<const Function> logic_functions();
std::span<const Function> date_functions();
std::span<const Function> cidr_functions();
std::span<const Function> scope_functions();
std::span<const Function> identity_functions();
std::span<const Function> live_functions();
std::span<const Function> template_functions();

/// A value that nobody wrote as it is.
inline Value made(nlohmann::json data) {
  return {std::move(data), nullptr, nullptr};
}

/// What concat, string and format show of a value.
std::string text_of(const nlohmann::json& value);
/// As ARM compares: by type and value, texts with their case.
bool same_value(const nlohmann::json& a, const nlohmann::json& b);

}  // namespace kiln::arm
