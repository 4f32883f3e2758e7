#include "engine/plan/contract_types.h"

#include "customizers/customizer.h"
#include "disk/sources/source.h"
#include "engine/contract/schema.h"
#include "engine/template/fields.h"
#include "uploaders/distributor.h"

namespace kiln {
namespace {

using Json = nlohmann::ordered_json;

/// The schema of an item whose type one of `group`'s says.
Json schema_of_group(const std::vector<ContractType>& types, std::string_view group) {
  auto alternatives = Json::array();
  for (const auto& entry : types) {
    if (entry.group == group) alternatives.push_back(schema_of(*entry.type));
  }
  return {{"oneOf", std::move(alternatives)}};
}

/// A reference, with the member's own description beside it.
Json reference(std::string_view group, std::string_view help) {
  return {{"$ref", fmt::format("#/$defs/{}", group)}, {"description", help}};
}

Json references(std::string_view group, std::string_view help) {
  return {{"type", "array"},
          {"items", {{"$ref", fmt::format("#/$defs/{}", group)}}},
          {"description", help}};
}

}  // namespace

std::vector<ContractType> contract_types() {
  std::vector<ContractType> types = {{"", &kImageTemplateType, kOldestVersion}};
  for (const auto& entry : source_registry()) {
    types.push_back({"source", entry.type, entry.type->since});
  }
  for (const auto& entry : customizer_registry()) {
    types.push_back({"customize", entry.type, entry.type->since});
  }
  for (const auto& entry : customizer_registry()) {
    if (entry.validates_since) types.push_back({"validate", entry.type, *entry.validates_since});
  }
  for (const auto& entry : distributor_registry()) {
    types.push_back({"distribute", entry.type, entry.type->since});
  }
  return types;
}

Json template_schema() {
  const auto types = contract_types();
  auto schema = schema_of(kImageTemplateType);
  auto& properties = schema["properties"]["properties"];
  auto& members = properties["properties"];
  members["source"] = reference("source", "where the image starts from");
  members["customize"] = references("customize", "steps, in the order in which they run");
  members["distribute"] = references("distribute", "targets that the image goes to");
  members["distribute"]["minItems"] = 1;
  members["validate"]["properties"]["inVMValidations"] =
      references("validate", "checks that run in a VM made from the image");
  Json document = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                   {"title", "Kiln image template"}};
  document.update(schema);
  for (const std::string_view group : {"source", "customize", "validate", "distribute"}) {
    document["$defs"][std::string(group)] = schema_of_group(types, group);
  }
  return document;
}

}  // namespace kiln
