#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/template/arm/expression.h"
#include "engine/template/arm/scope.h"

namespace kiln::arm {

/// Evaluates one string's expression. Hostile input is bounded: by the context's budget, and in
/// depth.
class Evaluator {
 public:
  /// @param text with its brackets
  /// @param place of the string; all references outlive the evaluator
  Evaluator(Scope& scope, const Frame* frame, std::string_view text, PlacePtr place)
      : scope_(scope), frame_(frame), text_(text), place_(std::move(place)) {}

  Result<Value> run();

  /// Finds what is wrong with it without any value: syntax, and functions that nobody has.
  [[nodiscard]] Result<void> check() const;

  Result<Value> evaluate(const Expression& expression);
  /// Evaluates the body of `lambda('name', …, body)`.
  Result<Value> apply(const Expression& lambda, std::span<const Value> arguments);
  /// Calls a function that the template defines.
  Result<Value> call_user(const UserFunction& function,
                          const Expression& call,
                          std::vector<Value> arguments);

  /// An error at this string, naming the character and what was called.
  [[nodiscard]] Error error(const Expression& at, std::string code, std::string message) const;
  /// Fails when the document's budget is used up.
  [[nodiscard]] Result<void> charge(const Expression& at, const nlohmann::json& value) const;

  [[nodiscard]] Scope& scope() const { return scope_; }
  [[nodiscard]] const Frame* frame() const { return frame_; }

 private:
  [[nodiscard]] Result<Expression> parse() const;
  [[nodiscard]] Result<void> check_functions(const Expression& expression) const;
  Result<Value> evaluate_kind(const Expression& expression);
  Result<Value> call(const Expression& expression);
  Result<Value> member(const Expression& expression);
  Result<Value> index(const Expression& expression);
  Result<Value> item_at(const Expression& expression, const Value& array, const Value& index);
  Result<Value> member_of(const Expression& at, Value object, std::string_view name, bool safe);
  [[nodiscard]] Error unknown_function(const Expression& call) const;

  Scope& scope_;
  const Frame* frame_;
  std::string_view text_;
  PlacePtr place_;
};

/// Evaluates every string, key and property copy in a tree; null members stay null.
/// @param value its parts know where they were written
Result<Placed> evaluate_tree(const JsonReader& value, Scope& scope, const Frame* frame);
/// The same as far as it can be done: what fails becomes unknown, and the context's failures say
/// why. Only a document that takes too much fails as a whole.
Result<Placed> evaluate_known(const JsonReader& value, Scope& scope, const Frame* frame);
/// As evaluate_tree, as a value whose origin is the tree of its places.
Result<Value> evaluate_value(const JsonReader& value, Scope& scope, const Frame* frame);
/// One entry of a `copy` list of properties or variables: an array with `count` evaluations of its
/// `input`.
Result<Placed> evaluate_copy(const JsonReader& loop,
                             const std::string& name,
                             Scope& scope,
                             const Frame* frame);
/// Whether a member `copy` is such a list, and not an ordinary value.
bool is_copy_list(const JsonReader& value);
/// As a value whose origin is the tree of places.
Value shared_value(Placed placed);
/// The error for a document that would take too much time or memory.
Error too_much(const std::string& where);

}  // namespace kiln::arm
