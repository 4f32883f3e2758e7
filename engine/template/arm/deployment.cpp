#include "engine/template/arm/deployment.h"

#include "engine/core/text.h"
#include "engine/template/arm/evaluator.h"
#include "engine/template/arm/outputs.h"

namespace kiln::arm {
namespace {

bool is_secure_kind(std::string_view kind) {
  return kind == "securestring" || kind == "secureobject";
}

Error circle(const JsonReader& place, std::string_view kind, std::string_view name) {
  return place
      .error("Arm:Circle",
             fmt::format("the {} \"{}\" is made from itself", kind, printable(name, 60)))
      .cure("break the circle");
}

Error no_value(const JsonReader& declaration, std::string_view name) {
  return declaration
      .error("Parameter:Missing",
             fmt::format("the parameter \"{}\" has no value", printable(name, 60)))
      .cure("give it one where the nested deployment is called, or a defaultValue");
}

}  // namespace

Result<std::unique_ptr<Deployment>> Deployment::create(JsonReader body,
                                                       Surroundings surroundings,
                                                       Supplied supplied,
                                                       Context& context) {
  std::unique_ptr<Deployment> deployment(
      new Deployment(std::move(body), std::move(surroundings), std::move(supplied), context));
  if (const auto parameters = find_field(deployment->body_, "parameters")) {
    KILN_TRY_ASSIGN(const auto members, parameters->members());
    for (const auto& [name, declaration] : members) {
      KILN_TRY(declaration.members());
      deployment->parameter_order_.push_back(to_lower(name));
      deployment->parameters_.emplace(to_lower(name), Parameter{name, declaration});
    }
  }
  KILN_TRY(deployment->read_variables());
  KILN_TRY(deployment->read_functions());
  KILN_TRY_ASSIGN(deployment->resources_, read_resources(deployment->body_));
  return deployment;
}

Result<void> Deployment::read_variables() {
  const auto variables = find_field(body_, "variables");
  if (!variables) return {};
  KILN_TRY_ASSIGN(const auto members, variables->members());
  for (const auto& [name, value] : members) {
    if (!equal_ignoring_case(name, "copy") || !is_copy_list(value)) {
      variables_.emplace(to_lower(name), Variable{name, value});
      continue;
    }
    KILN_TRY_ASSIGN(const auto loops, value.items());
    for (const auto& loop : loops) {
      KILN_TRY_ASSIGN(const auto loop_name, loop.string("name"));
      variables_.emplace(to_lower(loop_name), Variable{loop_name, loop, true});
    }
  }
  return {};
}

Result<void> Deployment::read_functions() {
  const auto functions = find_field(body_, "functions");
  if (!functions) return {};
  KILN_TRY_ASSIGN(const auto spaces, functions->items());
  for (const auto& space : spaces) {
    KILN_TRY_ASSIGN(const auto space_name, space.string("namespace"));
    KILN_TRY_ASSIGN(const auto list, space.require("members"));
    KILN_TRY_ASSIGN(const auto members, list.members());
    for (const auto& [name, member] : members) {
      std::vector<std::string> parameters;
      if (const auto declared = find_field(member, "parameters")) {
        KILN_TRY_ASSIGN(const auto declarations, declared->items());
        for (const auto& declaration : declarations) {
          KILN_TRY_ASSIGN(auto parameter, declaration.string("name"));
          parameters.push_back(std::move(parameter));
        }
      }
      KILN_TRY_ASSIGN(const auto output, member.require("output"));
      KILN_TRY_ASSIGN(auto value, output.require("value"));
      const auto full_name = fmt::format("{}.{}", space_name, name);
      functions_.emplace(to_lower(full_name),
                         UserFunction{full_name, std::move(parameters), std::move(value)});
    }
  }
  return {};
}

Result<bool> Deployment::is_required(const Parameter& parameter) const {
  if (supplied_.contains(to_lower(parameter.name))) return false;
  // A default of null is a default.
  const auto* otherwise = find_member(parameter.declaration.value(), "defaultValue");
  if (otherwise != nullptr) return false;
  KILN_TRY_ASSIGN(const auto may_be_null, types_.nullable(parameter.declaration));
  return !may_be_null;
}

void Deployment::report_missing(std::string cure) {
  std::vector<std::string> missing;
  std::string first;
  auto& failures = context().failures;
  for (const auto& key : parameter_order_) {
    auto& parameter = parameters_.at(key);
    const auto required = is_required(parameter);
    if (!required || !*required) continue;
    const auto type = parameter.declaration.optional_string("type");
    if (missing.empty()) first = parameter.declaration.where();
    missing.push_back(
        fmt::format("{} ({}) at {}",
                    printable(parameter.name, 60),
                    printable(type ? type->value_or("of a type of the template's own") : "", 40),
                    parameter.declaration.where()));
    failures.hide(no_value(parameter.declaration, parameter.name));
  }
  if (missing.empty()) return;
  failures.add(fail(ErrorKind::kInvalidTemplate,
                    "Parameter:Missing",
                    "{} required {} no value",
                    missing.size(),
                    missing.size() == 1 ? "parameter has" : "parameters have")
                   .at(first)
                   .expecting("a value for each")
                   .cure(std::move(cure))
                   .quoting(std::move(missing)));
}

void Deployment::check_parameters() {
  report_missing("give them with --parameter NAME=VALUE or --parameters FILE");
  for (const auto& key : parameter_order_) {
    auto& parameter = parameters_.at(key);
    parameter.used = supplied_.contains(key);
    const auto value = value_of(parameter);
    if (!value) context().failures.add(value.error());
  }
}

void Deployment::check_expressions() {
  const auto visit = [this](auto&& self, const JsonReader& place) -> void {
    const auto& value = place.value();
    if (value.is_string() && is_expression(value.get_ref<const std::string&>())) {
      const auto& text = value.get_ref<const std::string&>();
      const auto checked = Evaluator(*this, nullptr, text, place.place()).check();
      if (!checked) context().failures.add(checked.error());
    } else if (const auto items = place.items()) {
      for (const auto& item : *items) self(self, item);
    } else if (const auto members = place.members()) {
      for (const auto& [name, member] : *members) self(self, member);
    }
  };
  for (const std::string_view part : {"variables", "outputs"}) {
    if (const auto place = find_field(body_, part)) visit(visit, *place);
  }
}

nlohmann::json Deployment::used_parameters() const {
  auto used = nlohmann::json::object();
  for (const auto& [key, parameter] : parameters_) {
    if (parameter.used && parameter.value && *parameter.value && !parameter.secure) {
      used[parameter.name] = (*parameter.value)->data;
    }
  }
  return used;
}

Result<Value> Deployment::evaluate_parameter(Parameter& parameter) {
  if (const auto found = supplied_.find(to_lower(parameter.name)); found != supplied_.end()) {
    return found->second();
  }
  if (const auto otherwise = find_field(parameter.declaration, "defaultValue")) {
    const bool outer = in_default;
    in_default = true;
    auto value = evaluate_value(*otherwise, *this, nullptr);
    in_default = outer;
    return value;
  }
  KILN_TRY_ASSIGN(const auto required, is_required(parameter));
  if (!required) return Value{nullptr, parameter.declaration.place(), nullptr};
  return no_value(parameter.declaration, parameter.name);
}

Result<Value> Deployment::checked_parameter(Parameter& parameter) {
  KILN_TRY_ASSIGN(const auto kind, types_.kind(parameter.declaration));
  parameter.secure = is_secure_kind(kind);
  KILN_TRY_ASSIGN(auto value, evaluate_parameter(parameter));
  // A null that was written as the default stands for no value at all.
  if (value.data.is_null()) return value;
  KILN_TRY_ASSIGN(const auto secure,
                  types_.check(parameter.declaration,
                               value,
                               fmt::format("the parameter \"{}\"", printable(parameter.name, 60))));
  parameter.secure = parameter.secure || secure;
  return value;
}

Result<Value> Deployment::value_of(Parameter& parameter) {
  if (parameter.state == State::kRunning) {
    return circle(parameter.declaration, "parameter", parameter.name);
  }
  if (parameter.state == State::kNew) {
    parameter.state = State::kRunning;
    parameter.value = checked_parameter(parameter);
    parameter.state = State::kDone;
  }
  return *parameter.value;
}

Result<std::optional<Value>> Deployment::parameter(std::string_view name) {
  const auto found = parameters_.find(to_lower(name));
  if (found == parameters_.end()) return std::optional<Value>();
  found->second.used = true;
  KILN_TRY_ASSIGN(auto value, value_of(found->second));
  return std::optional(std::move(value));
}

Result<Value> Deployment::evaluate_variable(const Variable& variable) {
  if (!variable.is_loop) return evaluate_value(variable.written, *this, nullptr);
  KILN_TRY_ASSIGN(auto list, evaluate_copy(variable.written, variable.name, *this, nullptr));
  return shared_value(std::move(list));
}

Result<std::optional<Value>> Deployment::variable(std::string_view name) {
  const auto found = variables_.find(to_lower(name));
  if (found == variables_.end()) return std::optional<Value>();
  auto& variable = found->second;
  if (variable.state == State::kRunning) return circle(variable.written, "variable", name);
  if (variable.state == State::kNew) {
    variable.state = State::kRunning;
    variable.value = evaluate_variable(variable);
    variable.state = State::kDone;
  }
  KILN_TRY_ASSIGN(auto value, *variable.value);
  return std::optional(std::move(value));
}

const UserFunction* Deployment::function(std::string_view name) const {
  const auto found = functions_.find(to_lower(name));
  return found == functions_.end() ? nullptr : &found->second;
}

std::vector<std::string> Deployment::names_of(std::string_view kind) const {
  std::vector<std::string> names;
  if (kind == "parameter") {
    for (const auto& [key, parameter] : parameters_) names.push_back(parameter.name);
  } else if (kind == "variable") {
    for (const auto& [key, variable] : variables_) names.push_back(variable.name);
  } else {
    for (const auto& [key, function] : functions_) names.push_back(function.name);
  }
  return names;
}

bool Deployment::is_named(const WrittenResource& resource, std::string_view name) {
  if (!resource.symbolic_name.empty() && equal_ignoring_case(resource.symbolic_name, name)) {
    return true;
  }
  const auto type = find_field(resource.body, "type");
  if (find_field(resource.body, "copy") || !type || !type->value().is_string()) return false;
  // A name that cannot be evaluated is not the one that was asked for.
  const auto evaluated = evaluate_member(resource.body, "name", *this, nullptr);
  if (!evaluated || !evaluated->data.is_string()) return false;
  const auto& own = evaluated->data.get_ref<const std::string&>();
  const auto id = fmt::format("/providers/{}/{}", type->value().get<std::string>(), own);
  return equal_ignoring_case(own, name) || to_lower(name).ends_with(to_lower(id));
}

Result<std::optional<Value>> Deployment::resource(std::string_view name, bool full) {
  for (const auto& written : resources_) {
    const auto inner = nested_template(written.body);
    if ((!inner && !full) || !is_named(written, name)) continue;
    if (!inner) return std::optional(written_state(written.body, *this));
    KILN_TRY_ASSIGN(auto* const scope, nested(written.body, nullptr));
    return std::optional(deployment_state(*inner, *scope));
  }
  return std::optional<Value>();
}

const Frame* Deployment::keep(Frame frame) {
  frame.name = texts_.emplace_back(frame.name);
  return &frames_.emplace_back(frame);
}

}  // namespace kiln::arm
