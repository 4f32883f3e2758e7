#include "engine/template/arm/evaluator.h"

#include <algorithm>

#include "engine/core/text.h"
#include "engine/template/arm/functions.h"

namespace kiln::arm {
namespace {

/// Sees its arguments and the other functions, and nothing else of the template.
class FunctionScope : public Scope {
 public:
  FunctionScope(Scope& outer, const UserFunction& function, std::vector<Value> arguments)
      : Scope(outer.context()),
        outer_(outer),
        function_(function),
        arguments_(std::move(arguments)) {}

  Result<std::optional<Value>> parameter(std::string_view name) override {
    for (std::size_t i = 0; i < arguments_.size(); ++i) {
      if (equal_ignoring_case(function_.parameters[i], name)) return std::optional(arguments_[i]);
    }
    return std::optional<Value>();
  }
  Result<std::optional<Value>> variable(std::string_view /*name*/) override {
    return std::optional<Value>();
  }
  Result<std::optional<Value>> resource(std::string_view /*name*/, bool /*full*/) override {
    return std::optional<Value>();
  }
  [[nodiscard]] const UserFunction* function(std::string_view name) const override {
    return outer_.function(name);
  }
  [[nodiscard]] std::vector<std::string> names_of(std::string_view kind) const override {
    if (kind == "parameter") return function_.parameters;
    return kind == "function" ? outer_.names_of(kind) : std::vector<std::string>();
  }
  [[nodiscard]] const Surroundings& surroundings() const override { return outer_.surroundings(); }

 private:
  Scope& outer_;
  const UserFunction& function_;
  std::vector<Value> arguments_;
};

}  // namespace

Error too_much(const std::string& where) {
  return fail(ErrorKind::kInvalidTemplate,
              "Arm:TooMuch",
              "evaluating this would take more time or memory than any real template needs")
      .at(where)
      .cure("make its loops, ranges and texts smaller");
}

Error Evaluator::error(const Expression& at, std::string code, std::string message) const {
  const auto what = at.kind == Expression::Kind::kCall ? at.text + ": " : std::string();
  return fail(ErrorKind::kInvalidTemplate,
              std::move(code),
              "{}{} (character {}: {})",
              printable(what, 80),
              message,
              character_at(text_, at.at),
              excerpt(text_, at.at))
      .at(place_ == nullptr ? "" : describe_place(*place_))
      .about(shown_value(std::string(text_)));
}

Result<void> Evaluator::charge(const Expression& at, const nlohmann::json& value) const {
  if (scope_.context().budget.charge(value)) return {};
  return error(at, "Arm:TooMuch", "this takes more time or memory than any real template needs")
      .cure("make its loops, ranges and texts smaller");
}

Result<Expression> Evaluator::parse() const {
  auto expression = parse_expression(text_);
  if (expression) return expression;
  return std::move(expression)
      .error()
      .at(place_ == nullptr ? "" : describe_place(*place_))
      .about(shown_value(std::string(text_)))
      .expecting("an expression of ARM templates");
}

Result<void> Evaluator::check_functions(const Expression& expression) const {
  if (expression.kind == Expression::Kind::kCall && find_function(expression.text) == nullptr &&
      scope_.function(expression.text) == nullptr) {
    return unknown_function(expression);
  }
  for (const auto& part : expression.parts) KILN_TRY(check_functions(part));
  return {};
}

Result<void> Evaluator::check() const {
  KILN_TRY_ASSIGN(const auto expression, parse());
  return check_functions(expression);
}

Result<Value> Evaluator::run() {
  auto expression = parse();
  if (!expression) return std::move(expression).error();
  auto value = evaluate(*expression);
  if (!value) {
    return std::move(value)
        .error()
        .expecting("an expression that can be evaluated")
        .cure("correct the expression");
  }
  if (value->partial == nullptr) return value;
  return error(*expression,
               "Arm:LiveState",
               "the whole state of a resource is known only to a live deployment")
      .cure("use a single member of it, or give it in a file, with --resource-values");
}

Result<Value> Evaluator::evaluate(const Expression& expression) {
  const DepthGuard guard(scope_.context());
  if (guard.too_deep()) {
    return error(expression,
                 "Arm:TooDeep",
                 "variables, parameters or functions depend on each other too deeply")
        .cure("look for a circle, or for a function that calls itself");
  }
  if (!scope_.context().budget.charge(1)) return charge(expression, nullptr).error();
  return evaluate_kind(expression);
}

Result<Value> Evaluator::evaluate_kind(const Expression& expression) {
  switch (expression.kind) {
    case Expression::Kind::kString:
      return Value{expression.text, nullptr, nullptr};
    case Expression::Kind::kInteger:
      return Value{expression.number, nullptr, nullptr};
    case Expression::Kind::kCall:
      return call(expression);
    case Expression::Kind::kMember:
      return member(expression);
    case Expression::Kind::kIndex:
      return index(expression);
  }
  return Value{};
}

Result<Value> Evaluator::call(const Expression& expression) {
  const auto* builtin = find_function(expression.text);
  const auto* user = builtin == nullptr ? scope_.function(expression.text) : nullptr;
  if (builtin == nullptr && user == nullptr) return unknown_function(expression);
  std::vector<Value> arguments;
  if (builtin == nullptr || !builtin->special) {
    for (const auto& part : expression.parts) {
      KILN_TRY_ASSIGN(auto argument, evaluate(part));
      if (argument.partial != nullptr) {
        return error(part,
                     "Arm:LiveState",
                     "the whole state of a resource is known only to a live deployment");
      }
      arguments.push_back(std::move(argument));
    }
  }
  if (user != nullptr) return call_user(*user, expression, std::move(arguments));
  KILN_TRY_ASSIGN(auto value, call_function(*builtin, {*this, expression, std::move(arguments)}));
  KILN_TRY(charge(expression, value.data));
  return value;
}

Error Evaluator::unknown_function(const Expression& call) const {
  auto names = scope_.names_of("function");
  for (const auto name : function_names()) names.emplace_back(name);
  const std::vector<std::string_view> views(names.begin(), names.end());
  const auto near = nearest_word(call.text, views);
  return error(call, "Arm:UnknownFunction", "there is no such template function")
      .expecting("a function of ARM templates, or one that the template defines")
      .cure(near.empty() ? "use a function of ARM templates, or one that the template defines"
                         : fmt::format("did you mean \"{}\"?", near));
}

Result<Value> Evaluator::call_user(const UserFunction& function,
                                   const Expression& call,
                                   std::vector<Value> arguments) {
  if (arguments.size() != function.parameters.size()) {
    return error(call,
                 "Arm:ArgumentCount",
                 fmt::format("it takes {} arguments and gets {}",
                             function.parameters.size(),
                             arguments.size()))
        .expecting(fmt::format("{} arguments", function.parameters.size()));
  }
  FunctionScope scope(scope_, function, std::move(arguments));
  return evaluate_value(function.output, scope, nullptr);
}

Result<Value> Evaluator::apply(const Expression& lambda, std::span<const Value> arguments) {
  const auto names = std::span(lambda.parts).first(lambda.parts.size() - 1);
  if (names.size() > arguments.size()) {
    return error(lambda,
                 "Arm:ArgumentCount",
                 fmt::format("this lambda gets only {} arguments", arguments.size()));
  }
  std::vector<Frame> frames(names.size());
  const auto* outer = frame_;
  for (std::size_t i = 0; i < names.size(); ++i) {
    frames[i] = {frame_, Frame::Kind::kLambda, names[i].text, 0, &arguments[i]};
    frame_ = &frames[i];
  }
  auto result = evaluate(lambda.parts.back());
  frame_ = outer;
  return result;
}

Result<Value> Evaluator::member(const Expression& expression) {
  KILN_TRY_ASSIGN(auto object, evaluate(expression.parts[0]));
  return member_of(expression, std::move(object), expression.text, expression.safe);
}

Result<Value> Evaluator::member_of(const Expression& at,
                                   Value object,
                                   std::string_view name,
                                   bool safe) {
  if (object.partial != nullptr) {
    KILN_TRY_ASSIGN(auto found, object.partial->member(name));
    if (found) return std::move(*found);
    if (safe) return Value{};
    return error(at,
                 "Arm:LiveState",
                 fmt::format("\"{}\" of this resource is known only to a live deployment", name))
        .cure("give the resource's state in a file, with --resource-values");
  }
  if (safe && object.data.is_null()) return Value{};
  std::string spelling;
  if (const auto* found = find_member(object.data, name, &spelling)) {
    auto origin = place_of_key(object.origin, spelling);
    return Value{*found, place_or(std::move(origin), object.origin), nullptr};
  }
  if (safe && object.data.is_object()) return Value{};
  if (!object.data.is_object()) {
    return error(at,
                 "Arm:NoMember",
                 fmt::format("\"{}\" is asked of {}, which has no members",
                             printable(name, 60),
                             type_of(object.data)));
  }
  std::vector<std::string_view> names;
  for (const auto& [key, value] : object.data.items()) names.push_back(key);
  const auto near = nearest_word(name, names);
  return error(at,
               "Arm:NoMember",
               fmt::format("the object has no member \"{}\"", printable(name, 60)))
      .cure(near.empty() ? "correct the name, or use .? where the member may be missing"
                         : fmt::format("did you mean \"{}\"?", printable(near, 60)));
}

Result<Value> Evaluator::index(const Expression& expression) {
  KILN_TRY_ASSIGN(auto object, evaluate(expression.parts[0]));
  KILN_TRY_ASSIGN(const auto key, evaluate(expression.parts[1]));
  if (key.data.is_string()) {
    const auto& name = key.data.get_ref<const std::string&>();
    return member_of(expression, std::move(object), name, expression.safe);
  }
  if (expression.safe && object.data.is_null()) return Value{};
  return item_at(expression, object, key);
}

Result<Value> Evaluator::item_at(const Expression& expression,
                                 const Value& array,
                                 const Value& index) {
  if (!array.data.is_array() || !index.data.is_number_integer()) {
    return error(
        expression,
        "Arm:NoItem",
        fmt::format("{} cannot be indexed by {}", type_of(array.data), type_of(index.data)));
  }
  const auto at = index.data.get<std::int64_t>();
  const auto size = static_cast<std::int64_t>(array.data.size());
  if (at >= 0 && at < size) {
    const auto number = static_cast<std::size_t>(at);
    auto origin = place_of_item(array.origin, number);
    return Value{array.data[number], place_or(std::move(origin), array.origin), nullptr};
  }
  if (expression.safe) return Value{};
  return error(expression,
               "Arm:NoItem",
               fmt::format("the array has {} items and none with the index {}", size, at))
      .cure("correct the index, or use [? where the item may be missing");
}

}  // namespace kiln::arm
