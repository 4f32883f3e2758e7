#include "engine/contract/schema.h"

namespace kiln {
namespace {

nlohmann::ordered_json schema_of_value(const Field& field) {
  switch (field.kind) {
    case FieldKind::kString: {
      nlohmann::ordered_json schema = {{"type", "string"}};
      for (const auto value : field.values) schema["enum"].push_back(value);
      return schema;
    }
    case FieldKind::kInteger:
      return {{"type", "integer"}, {"minimum", field.minimum}, {"maximum", field.maximum}};
    case FieldKind::kBoolean:
      return {{"type", "boolean"}};
    case FieldKind::kStrings:
      return {{"type", "array"}, {"items", {{"type", "string"}}}};
    case FieldKind::kExitCodes:
      return {{"type", "array"}, {"items", {{"type", "integer"}}}};
    case FieldKind::kStringMap:
      return {{"type", "object"}, {"additionalProperties", {{"type", "string"}}}};
    case FieldKind::kObject:
      return schema_of(*field.object);
    case FieldKind::kObjects:
      return {{"type", "array"}, {"items", schema_of(*field.object)}};
    case FieldKind::kOpenObject:
      return {{"type", "object"}};
    case FieldKind::kOpenArray:
      return {{"type", "array"}};
    case FieldKind::kItem:
    case FieldKind::kItems:
      break;
  }
  return nlohmann::ordered_json::object();
}

}  // namespace

nlohmann::ordered_json schema_of(const RecordType& type) {
  nlohmann::ordered_json schema = {{"type", "object"}, {"description", type.help}};
  auto required = nlohmann::ordered_json::array();
  auto properties = nlohmann::ordered_json::object();
  if (type.discriminated) {
    properties["type"] = {{"const", type.name}};
    required.push_back("type");
  }
  for (const auto& field : type.fields) {
    if (field.required) required.push_back(field.name);
    if (field.kind == FieldKind::kItem || field.kind == FieldKind::kItems) continue;
    auto value = schema_of_value(field);
    value["description"] = field.help;
    if (field.treatment == Treatment::kReadOnly) value["readOnly"] = true;
    properties[std::string(field.name)] = std::move(value);
  }
  schema["properties"] = std::move(properties);
  if (!required.empty()) schema["required"] = std::move(required);
  schema["additionalProperties"] = false;
  return schema;
}

}  // namespace kiln
