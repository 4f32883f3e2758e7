// Resources of a template, and the deployments nested in it.
#include "engine/core/text.h"
#include "engine/template/arm/declarations.h"
#include "engine/template/arm/deployment.h"
#include "engine/template/arm/evaluator.h"

namespace kiln::arm {
namespace {

using Member = std::pair<std::string, JsonReader>;

constexpr std::string_view kDeployments = "Microsoft.Resources/deployments";

Error from_key_vault(const JsonReader& reference) {
  return fail(ErrorKind::kUnsupported,
              "Parameter:KeyVault",
              "this value is in a Key Vault, which cannot be asked offline")
      .at(reference.where())
      .cure("give the value itself with --parameter or a parameters file");
}

Error no_value(const JsonReader& given) {
  return given.error("Parameter:NoValue", "this parameter is given without a \"value\"")
      .expecting(R"(an object such as {"value": …})")
      .cure(R"(write {"value": …} around it)");
}

/// The parameters that a nested deployment is called with.
Result<Supplied> supplied_by(const JsonReader& properties, Scope& caller, const Frame* frame) {
  Supplied supplied;
  const auto parameters = find_field(properties, "parameters");
  if (!parameters) return supplied;
  KILN_TRY_ASSIGN(const auto members, parameters->members());
  for (const auto& [name, given] : members) {
    if (const auto reference = find_field(given, "reference")) {
      supplied[to_lower(name)] = [reference = *reference]() -> Result<Value> {
        return from_key_vault(reference);
      };
      continue;
    }
    if (given.value().is_string() && is_expression(given.value().get_ref<const std::string&>())) {
      supplied[to_lower(name)] = [given = given, &caller, frame]() -> Result<Value> {
        KILN_TRY_ASSIGN(const auto whole, evaluate_value(given, caller, frame));
        const auto* value = find_member(whole.data, "value");
        if (value == nullptr) return no_value(given);
        return Value{*value, whole.origin, nullptr};
      };
      continue;
    }
    const auto value = find_field(given, "value");
    if (!value && find_member(given.value(), "value") == nullptr) return no_value(given);
    if (!value) continue;  // null: as if it were not given
    supplied[to_lower(name)] = [value = *value, &caller, frame]() {
      return evaluate_value(value, caller, frame);
    };
  }
  return supplied;
}

/// What a nested deployment is called with, but does not declare.
void report_surplus(const JsonReader& properties, const JsonReader& body, Context& context) {
  const auto parameters = find_field(properties, "parameters");
  const auto given = parameters ? parameters->members() : Result<std::vector<Member>>();
  if (!given) return;
  const auto declared = find_field(body, "parameters");
  std::vector<std::string_view> names;
  if (declared && declared->value().is_object()) {
    for (const auto& [name, declaration] : declared->value().items()) names.push_back(name);
  }
  for (const auto& [name, value] : *given) {
    if (declared && find_member(declared->value(), name) != nullptr) continue;
    const auto near = nearest_word(name, names);
    context.failures.add(
        value
            .error(
                "Parameter:Unknown",
                fmt::format("the nested deployment has no parameter \"{}\"", printable(name, 60)))
            .expecting(names.empty() ? "no parameters"
                                     : fmt::format("one of {}", fmt::join(names, ", ")))
            .cure(near.empty() ? "remove it, or declare it"
                               : fmt::format("did you mean \"{}\"?", printable(near, 60))));
  }
}

/// Replaces `target` by a member of the resource, where it has one.
Result<void> override_text(std::string& target,
                           const JsonReader& resource,
                           std::string_view name,
                           Scope& scope,
                           const Frame* frame) {
  if (!find_field(resource, name)) return {};
  KILN_TRY_ASSIGN(const auto value, evaluate_member(resource, name, scope, frame));
  if (value.data.is_string()) target = value.data.get<std::string>();
  return {};
}

}  // namespace

Result<std::vector<WrittenResource>> read_resources(const JsonReader& body) {
  std::vector<WrittenResource> resources;
  const auto field = find_field(body, "resources");
  if (!field) return resources;
  if (field->value().is_object()) {
    KILN_TRY_ASSIGN(const auto members, field->members());
    for (const auto& [name, resource] : members) resources.push_back({name, resource});
  } else {
    KILN_TRY_ASSIGN(const auto items, field->items());
    for (const auto& resource : items) resources.push_back({"", resource});
  }
  for (const auto& resource : resources) KILN_TRY(resource.body.members());
  return resources;
}

std::optional<JsonReader> nested_template(const JsonReader& resource) {
  const auto type = find_field(resource, "type");
  if (!type || !type->value().is_string()) return std::nullopt;
  if (!equal_ignoring_case(type->value().get_ref<const std::string&>(), kDeployments)) {
    return std::nullopt;
  }
  const auto properties = find_field(resource, "properties");
  const auto body = properties ? find_field(*properties, "template") : std::nullopt;
  return body && body->value().is_object() ? body : std::nullopt;
}

bool has_outer_scope(const JsonReader& resource) {
  const auto properties = find_field(resource, "properties");
  const auto options =
      properties ? find_field(*properties, "expressionEvaluationOptions") : std::nullopt;
  const auto scope = options ? find_field(*options, "scope") : std::nullopt;
  return !scope || !scope->value().is_string() ||
         !equal_ignoring_case(scope->value().get_ref<const std::string&>(), "inner");
}

Result<Value> evaluate_member(const JsonReader& resource,
                              std::string_view name,
                              Scope& scope,
                              const Frame* frame) {
  const auto member = find_field(resource, name);
  if (!member) return Value{};
  return evaluate_value(*member, scope, frame);
}

Result<Deployment*> Deployment::nested(const JsonReader& resource, const Frame* frame) {
  if (has_outer_scope(resource)) return this;
  const auto key = std::pair(resource.place().get(), frame);
  if (const auto found = nested_.find(key); found != nested_.end()) {
    return found->second.get();
  }
  KILN_TRY_ASSIGN(const auto properties, resource.require("properties"));
  const auto body = nested_template(resource);
  if (!body) {
    return resource.error("Arm:NoTemplate", "this deployment brings no template of its own")
        .cure("put the template into the file");
  }
  auto around = surroundings_;
  KILN_TRY(override_text(around.resource_group, resource, "resourceGroup", *this, frame));
  KILN_TRY(override_text(around.subscription_id, resource, "subscriptionId", *this, frame));
  KILN_TRY(override_text(around.location, resource, "location", *this, frame));
  KILN_TRY(override_text(around.deployment_name, resource, "name", *this, frame));
  KILN_TRY_ASSIGN(auto supplied, supplied_by(properties, *this, frame));
  report_surplus(properties, *body, context());
  check_declarations(*body, context());
  KILN_TRY_ASSIGN(auto deployment,
                  create(*body, std::move(around), std::move(supplied), context()));
  deployment->report_missing("give it where the nested deployment is called, or a defaultValue");
  return nested_.emplace(key, std::move(deployment)).first->second.get();
}

}  // namespace kiln::arm
