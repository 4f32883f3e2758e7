#include <algorithm>
#include <array>
#include <map>

#include "engine/core/text.h"
#include "engine/template/arm/functions.h"
#include "engine/template/arm/secrets.h"

namespace kiln::arm {
namespace {

std::array<std::span<const Function>, 13> tables() {
  return {string_functions(),
          encoding_functions(),
          collection_functions(),
          object_functions(),
          lambda_functions(),
          number_functions(),
          logic_functions(),
          date_functions(),
          cidr_functions(),
          scope_functions(),
          identity_functions(),
          live_functions(),
          template_functions()};
}

const std::map<std::string, const Function*>& by_lower_name() {
  static const auto kFunctions = [] {
    std::map<std::string, const Function*> functions;
    for (const auto table : tables()) {
      for (const auto& function : table) functions.emplace(to_lower(function.name), &function);
    }
    return functions;
  }();
  return kFunctions;
}

}  // namespace

const Function* find_function(std::string_view name) {
  auto lower = to_lower(name);
  if (lower.starts_with("sys.")) lower.erase(0, 4);
  const auto& functions = by_lower_name();
  if (const auto found = functions.find(lower); found != functions.end()) return found->second;
  // The providers of resources can add functions of this form; all of them need a live cloud.
  const bool is_list = lower.starts_with("list") && lower.find('.') == std::string::npos;
  return is_list ? functions.at("list*") : nullptr;
}

std::vector<std::string_view> function_names() {
  std::vector<std::string_view> names;
  for (const auto& [lower, function] : by_lower_name()) {
    if (lower != "list*") names.push_back(function->name);
  }
  return names;
}

Result<Value> call_function(const Function& function, const Call& call) {
  const auto given = static_cast<int>(call.expression.parts.size());
  if (given >= function.least && (function.most < 0 || given <= function.most)) {
    KILN_TRY_ASSIGN(auto value, function.body(call));
    KILN_TRY(keep_derived_secrets(function, call, value));
    return value;
  }
  const auto wanted = function.most < 0 ? fmt::format("at least {}", function.least)
                      : function.least == function.most
                          ? std::to_string(function.least)
                          : fmt::format("{} to {}", function.least, function.most);
  return call.run.error(call.expression,
                        "Arm:ArgumentCount",
                        fmt::format("it takes {} arguments and gets {}", wanted, given));
}

Error Call::error(std::string message) const {
  return run.error(expression, "Arm:BadArgument", std::move(message));
}

Error Call::wrong(std::size_t index, std::string_view wanted) const {
  return error(
      fmt::format("argument {} must be {}, and is {}", index + 1, wanted, type_of(at(index))));
}

Result<std::string> Call::string(std::size_t index) const {
  if (at(index).is_string()) return at(index).get<std::string>();
  return wrong(index, "a string");
}

Result<std::int64_t> Call::integer(std::size_t index) const {
  const auto& value = at(index);
  const bool fits = !value.is_number_unsigned() ||
                    value.get<std::uint64_t>() <= static_cast<std::uint64_t>(INT64_MAX);
  if (value.is_number_integer() && fits) return value.get<std::int64_t>();
  return wrong(index, "an int");
}

Result<bool> Call::boolean(std::size_t index) const {
  if (at(index).is_boolean()) return at(index).get<bool>();
  return wrong(index, "a bool");
}

Result<const nlohmann::json*> Call::array(std::size_t index) const {
  if (at(index).is_array()) return &at(index);
  return wrong(index, "an array");
}

Result<const nlohmann::json*> Call::object(std::size_t index) const {
  if (at(index).is_object()) return &at(index);
  return wrong(index, "an object");
}

std::string text_of(const nlohmann::json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return {};
  if (value.is_boolean()) return value.get<bool>() ? "True" : "False";
  return dump_json(value);
}

bool same_value(const nlohmann::json& a, const nlohmann::json& b) {
  return a == b;
}

}  // namespace kiln::arm
