#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/template/arm/scope.h"
#include "engine/template/arm/types.h"

namespace kiln::arm {

/// Values for parameters, by name in lower case; evaluated when they are asked for, because not all
/// of them can be.
using Supplied = std::map<std::string, std::function<Result<Value>()>>;

/// A resource as it is written.
struct WrittenResource {
  std::string symbolic_name;  ///< empty where `resources` is an array
  JsonReader body;
};

/// One deployment template with the values of its parameters: what its expressions see. Parameters
/// and variables are evaluated when they are first used.
class Deployment : public Scope {
 public:
  /// @param body of the template
  static Result<std::unique_ptr<Deployment>> create(JsonReader body,
                                                    Surroundings surroundings,
                                                    Supplied supplied,
                                                    Context& context);

  /// Every required parameter without a value, in one error; then all declarations, and the values
  /// against them. What is wrong is told in the context's failures, and once.
  void check_parameters();
  /// Looks at the expressions of variables and outputs, though nothing may use them: what is wrong
  /// with them whatever the values are goes to the context's failures.
  void check_expressions();
  /// The values of parameters that were given or used, but for secure ones.
  [[nodiscard]] nlohmann::json used_parameters() const;
  [[nodiscard]] const std::vector<WrittenResource>& resources() const { return resources_; }
  /// The template's place, for messages.
  [[nodiscard]] std::string where() const { return body_.where(); }

  /// What the expressions of a nested deployment see: this deployment, or for an inner scope one of
  /// its own. It lives as long as this one.
  /// @param resource a Microsoft.Resources/deployments with a template
  Result<Deployment*> nested(const JsonReader& resource, const Frame* frame);
  /// A frame that lives as long as this deployment.
  const Frame* keep(Frame frame);

  Result<std::optional<Value>> parameter(std::string_view name) override;
  Result<std::optional<Value>> variable(std::string_view name) override;
  Result<std::optional<Value>> resource(std::string_view name, bool full) override;
  [[nodiscard]] const UserFunction* function(std::string_view name) const override;
  [[nodiscard]] std::vector<std::string> names_of(std::string_view kind) const override;
  [[nodiscard]] const Surroundings& surroundings() const override { return surroundings_; }

 private:
  enum class State { kNew, kRunning, kDone };
  struct Parameter {
    std::string name;
    JsonReader declaration;
    State state = State::kNew;
    std::optional<Result<Value>> value = std::nullopt;  ///< set when done
    bool secure = false;
    bool used = false;  ///< by an expression, or given
  };
  struct Variable {
    std::string name;
    JsonReader written;
    bool is_loop = false;  ///< `written` is a member of `variables.copy`
    State state = State::kNew;
    std::optional<Result<Value>> value = std::nullopt;  ///< set when done
  };

  Deployment(JsonReader body, Surroundings surroundings, Supplied supplied, Context& context)
      : Scope(context),
        body_(body),
        surroundings_(std::move(surroundings)),
        supplied_(std::move(supplied)),
        types_(std::move(body), context) {}

  Result<void> read_variables();
  Result<void> read_functions();
  Result<Value> value_of(Parameter& parameter);
  Result<Value> evaluate_parameter(Parameter& parameter);
  /// Evaluated, and checked against the declaration.
  Result<Value> checked_parameter(Parameter& parameter);
  Result<Value> evaluate_variable(const Variable& variable);
  void report_missing(std::string cure);
  Result<bool> is_required(const Parameter& parameter) const;
  /// Whether `name` is the resource's symbolic name, its id, or its name.
  bool is_named(const WrittenResource& resource, std::string_view name);

  JsonReader body_;
  Surroundings surroundings_;
  Supplied supplied_;
  Types types_;
  std::map<std::string, Parameter> parameters_;  ///< by name in lower case, as the others
  std::vector<std::string> parameter_order_;
  std::map<std::string, Variable> variables_;
  std::map<std::string, UserFunction> functions_;
  std::vector<WrittenResource> resources_;
  std::deque<Frame> frames_;
  std::deque<std::string> texts_;  ///< names in `frames_`
  std::map<std::pair<const JsonPlace*, const Frame*>, std::unique_ptr<Deployment>> nested_;
};

/// The resources of a template, whether they are a list or named.
Result<std::vector<WrittenResource>> read_resources(const JsonReader& body);
/// The template of a nested deployment that brings its own; nothing for other resources.
std::optional<JsonReader> nested_template(const JsonReader& resource);
/// Whether the expressions of a nested deployment's template are evaluated outside of it.
bool has_outer_scope(const JsonReader& resource);
/// A member of a resource, evaluated; null where it is absent.
Result<Value> evaluate_member(const JsonReader& resource,
                              std::string_view name,
                              Scope& scope,
                              const Frame* frame);

}  // namespace kiln::arm
