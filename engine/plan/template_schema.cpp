// `kiln schema`: what Kiln accepts, as far as a JSON Schema can say it.
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine/contract/schema.h"
#include "engine/plan/contract_types.h"
#include "engine/template/fields.h"

namespace kiln {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 4> kGroups = {
    "source", "customize", "validate", "distribute"};

/// What ARM reads of a resource and does not send on.
constexpr std::array<std::string_view, 6> kArmsOwn = {
    "existing", "import", "metadata", "resources", "scope", "@options"};

std::string_view name_of(Spelling spelling) {
  switch (spelling) {
    case Spelling::kExact:
      return "strict";
    case Spelling::kAnyCase:
      return "unversioned";
    case Spelling::kOverlooks:
      break;
  }
  return "lenient";
}

Json reference(std::string_view definition) {
  return {{"$ref", fmt::format("#/$defs/{}", definition)}};
}

Json reference(Spelling spelling, std::string_view definition) {
  return reference(fmt::format("{}.{}", name_of(spelling), definition));
}

Json when(Json condition, Json then) {
  return {{"if", std::move(condition)}, {"then", std::move(then)}};
}

/// An object whose member `name` is like this.
Json having(std::string_view name, Json like) {
  return {{"properties", {{name, std::move(like)}}}, {"required", Json::array({name})}};
}

/// An item whose member `type` says what else it holds.
Json schema_of_group(const std::vector<ContractType>& types,
                     std::string_view group,
                     Spelling spelling) {
  auto names = Json::array();
  auto rules = Json::array({schema_of_required("type", {}, spelling)});
  for (const auto& entry : types) {
    if (entry.group != group) continue;
    const auto& type = *entry.type;
    auto known = Json::array({type.name});
    names.push_back({{"const", type.name}, {"description", type.help}});
    if (!type.former.empty() && spelling != Spelling::kExact) {
      known.push_back(type.former);
      names.push_back({{"const", type.former},
                       {"description", fmt::format("former name of {}", type.name)},
                       {"deprecated", true}});
    }
    const auto owner = group == "validate" ? "customize" : group;
    rules.push_back(when(having("type", {{"enum", std::move(known)}}),
                         reference(spelling, fmt::format("{}.{}", owner, type.name))));
  }
  names.push_back({{"pattern", kExpressionPattern}});
  auto schema = typed_or_expression({"object"});
  schema["properties"]["type"] = {{"type", "string"}, {"anyOf", std::move(names)}};
  schema["allOf"] = std::move(rules);
  return schema;
}

Json list_of(Spelling spelling, std::string_view group, const Json& described) {
  auto schema = typed_or_expression({"array"});
  schema["items"] = reference(spelling, group);
  schema["description"] = described.at("description");
  if (group == "distribute") {
    schema["minItems"] = 1;
  } else {
    schema["type"].push_back("null");
  }
  return schema;
}

Json schema_of_version() {
  auto names = Json::array();
  std::vector<std::string> patterns;
  for (const auto name : api_version_names()) {
    names.push_back(name);
    patterns.push_back(any_case_pattern(name));
  }
  const auto others = fmt::format("^({})$|{}", fmt::join(patterns, "|"), kLaterTextPattern);
  return {{"type", {"string", "null"}},
          {"anyOf", {{{"enum", std::move(names)}}, {{"pattern", others}}}},
          {"description", "version of the contract"}};
}

/// The part that a resource's body and a deployed resource share.
Json schema_of_properties(Spelling spelling) {
  auto schema = schema_of(kImageTemplateType, spelling)["properties"]["properties"];
  auto& members = schema["properties"];
  members["source"].update(reference(spelling, "source"));
  for (const std::string_view list : {"customize", "distribute"}) {
    auto& member = members[std::string(list)];
    member = list_of(spelling, list, member);
  }
  auto& checks = members["validate"]["properties"]["inVMValidations"];
  checks = list_of(spelling, "validate", checks);
  return schema;
}

Json schema_of_resource(Spelling spelling, std::span<const std::string_view> more) {
  auto schema = schema_of(kImageTemplateType, spelling, more);
  schema["properties"]["properties"] = reference(spelling, "properties");
  schema["properties"]["apiVersion"] = schema_of_version();
  schema["properties"]["type"]["pattern"] =
      fmt::format("^{}(/{})?$|{}",
                  any_case_pattern("Microsoft.VirtualMachineImages"),
                  any_case_pattern("imageTemplates"),
                  kLaterTextPattern);
  return schema;
}

/// The resource's schema that its apiVersion asks for.
/// @param definition what it is called behind the spelling
Json by_version(std::string_view definition) {
  std::vector<std::string> strict;
  for (const auto name : api_version_names()) {
    if (is_strict(*parse_api_version(name))) strict.push_back(any_case_pattern(name));
  }
  const auto pattern = fmt::format("^({})$", fmt::join(strict, "|"));
  auto schema = when(having("apiVersion", {{"type", "string"}, {"pattern", pattern}}),
                     reference(Spelling::kExact, definition));
  schema["else"] =
      when(having("apiVersion", {{"type", "string"}}), reference(Spelling::kOverlooks, definition));
  schema["else"]["else"] = reference(Spelling::kAnyCase, definition);
  return schema;
}

Json of_type(std::string_view type) {
  return having("type",
                {{"type", "string"}, {"pattern", fmt::format("^{}$", any_case_pattern(type))}});
}

/// Resources of other types are none of Kiln's business.
Json schema_of_any_resource() {
  const auto inner = when({{"type", "object"}}, reference("deployment"));
  return {{"type", "object"},
          {"allOf",
           {when(of_type("Microsoft.VirtualMachineImages/imageTemplates"),
                 when({{"not", having("existing", {{"const", true}})}},
                      by_version("deployedTemplate"))),
            when(of_type("Microsoft.Resources/deployments"),
                 {{"properties", {{"properties", {{"properties", {{"template", inner}}}}}}}})}}};
}

Json schema_of_deployment() {
  return {{"type", "object"},
          {"description", "a deployment template of Azure Resource Manager"},
          {"properties",
           {{"$schema", {{"type", "string"}}},
            {"parameters", {{"type", {"object", "null"}}}},
            {"variables", {{"type", {"object", "null"}}}},
            {"resources",
             {{"type", {"array", "object"}},
              {"items", reference("resource")},
              {"additionalProperties", reference("resource")}}}}}};
}

/// How Kiln tells a deployment template from a resource's body.
Json is_deployment() {
  const auto named = having(
      "$schema",
      {{"type", "string"}, {"pattern", fmt::format("{}", any_case_pattern("deploymentTemplate"))}});
  const Json no_resources = {
      {"propertyNames",
       {{"not", {{"pattern", fmt::format("^{}$", any_case_pattern("resources"))}}}}}};
  return {{"anyOf", {named, {{"not", no_resources}}}}};
}

}  // namespace

Json template_schema() {
  const auto types = contract_types();
  Json document = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                   {"title", "Kiln image template"},
                   {"description", kImageTemplateType.help},
                   {"type", "object"}};
  document.update(when(is_deployment(), reference("deployment")));
  document["else"] = by_version("template");
  auto& definitions = document["$defs"];
  definitions["deployment"] = schema_of_deployment();
  definitions["resource"] = schema_of_any_resource();
  for (const auto spelling : {Spelling::kExact, Spelling::kAnyCase, Spelling::kOverlooks}) {
    const auto define = [&](std::string_view name, Json schema) {
      definitions[fmt::format("{}.{}", name_of(spelling), name)] = std::move(schema);
    };
    define("properties", schema_of_properties(spelling));
    define("template", schema_of_resource(spelling, {}));
    define("deployedTemplate", schema_of_resource(spelling, kArmsOwn));
    for (const auto group : kGroups) define(group, schema_of_group(types, group, spelling));
    for (const auto& entry : types) {
      if (entry.group.empty() || entry.group == "validate") continue;
      define(fmt::format("{}.{}", entry.group, entry.type->name), schema_of(*entry.type, spelling));
    }
  }
  return document;
}

}  // namespace kiln
