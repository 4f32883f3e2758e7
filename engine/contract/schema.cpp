#include "engine/contract/schema.h"

#include <cctype>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kiln {
namespace {

using Json = nlohmann::ordered_json;

Json schema_of_items(Json item) {
  auto schema = typed_or_expression({"array"});
  schema["items"] = std::move(item);
  return schema;
}

Json schema_of_exit_code(Spelling spelling) {
  auto schema = typed_or_expression({"integer"});
  if (spelling != Spelling::kExact) {
    schema["pattern"] = fmt::format("^-?[0-9]+$|{}", kExpressionPattern);
  }
  return schema;
}

Json schema_of_text(const Field& field) {
  Json schema = {{"type", Json::array({"string"})}};
  if (field.values.empty()) return schema;
  Json values = Json::array();
  for (const auto value : field.values) values.push_back(value);
  schema["anyOf"] = {{{"enum", std::move(values)}}, {{"pattern", kLaterTextPattern}}};
  return schema;
}

Json schema_of_value(const Field& field, Spelling spelling) {
  switch (field.kind) {
    case FieldKind::kString:
      return schema_of_text(field);
    case FieldKind::kInteger: {
      auto schema = typed_or_expression({"integer"});
      schema["pattern"] = fmt::format("^-?[0-9]+$|{}", kExpressionPattern);  // with a warning
      schema["minimum"] = field.minimum;
      schema["maximum"] = field.maximum;
      return schema;
    }
    case FieldKind::kBoolean: {
      auto schema = typed_or_expression({"boolean"});
      schema["pattern"] = fmt::format("^(true|false)$|{}", kExpressionPattern);
      return schema;
    }
    case FieldKind::kStrings:
      return schema_of_items({{"type", "string"}});
    case FieldKind::kExitCodes:
      return schema_of_items(schema_of_exit_code(spelling));
    case FieldKind::kStringMap: {
      auto schema = typed_or_expression({"object"});
      schema["additionalProperties"] = {{"type", {"string", "null"}}};
      return schema;
    }
    case FieldKind::kObject:
      return schema_of(*field.object, spelling);
    case FieldKind::kObjects:
      return schema_of_items(schema_of(*field.object, spelling));
    case FieldKind::kOpenObject:
      return typed_or_expression({"object"});
    case FieldKind::kOpenArray:
      return typed_or_expression({"array"});
    case FieldKind::kItem:
    case FieldKind::kItems:
      break;
  }
  return Json::object();
}

/// A field under its name and, where that is still read, under its former one.
void add_field(Json& properties, const Field& field, Spelling spelling) {
  auto value = schema_of_value(field, spelling);
  value["description"] = field.help;
  if (field.treatment == Treatment::kReadOnly) value["readOnly"] = true;
  // Null counts as absent, so it will not do where the field has to be there.
  if (!field.required && value.contains("type")) value["type"].push_back("null");
  if (!field.former.empty() && spelling != Spelling::kExact) {
    auto former = value;
    former["deprecated"] = true;
    former["description"] = fmt::format("former name of {}", field.name);
    properties[std::string(field.former)] = std::move(former);
  }
  properties[std::string(field.name)] = std::move(value);
}

/// Names that are allowed beside those in `properties`.
Json other_names(const RecordType& type, std::span<const std::string_view> more) {
  std::vector<std::string> names;
  for (const auto& field : type.fields) names.push_back(any_case_pattern(field.name));
  for (const auto name : more) names.push_back(any_case_pattern(name));
  if (type.discriminated) names.push_back(any_case_pattern("type"));
  return {{fmt::format("^({})$", fmt::join(names, "|")), Json::object()}};
}

}  // namespace

std::string any_case_pattern(std::string_view text) {
  std::string pattern;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalpha(byte) != 0) {
      pattern += fmt::format(
          "[{}{}]", static_cast<char>(std::tolower(byte)), static_cast<char>(std::toupper(byte)));
    } else {
      pattern += fmt::format("{}{}", std::isalnum(byte) != 0 || c == '-' ? "" : "\\", c);
    }
  }
  return pattern;
}

Json typed_or_expression(std::initializer_list<std::string_view> types) {
  Json schema = {{"type", Json::array()}, {"pattern", kExpressionPattern}};
  for (const auto type : types) schema["type"].push_back(type);
  schema["type"].push_back("string");
  return schema;
}

Json schema_of_required(std::string_view name, std::string_view former, Spelling spelling) {
  std::string others = R"(copy|\[.*)";
  if (spelling != Spelling::kExact) {
    others += "|" + any_case_pattern(name);
    if (!former.empty()) others += fmt::format("|{}", former);
  }
  Json none = {{"propertyNames", {{"not", {{"pattern", fmt::format("^({})$", others)}}}}}};
  Json required = {{"required", Json::array({name})}};
  return {{"if", std::move(none)}, {"then", std::move(required)}};
}

Json schema_of(const RecordType& type, Spelling spelling, std::span<const std::string_view> more) {
  auto schema = typed_or_expression({"object"});
  schema["description"] = type.help;
  auto required = Json::array();
  auto properties = Json::object();
  if (type.discriminated) {
    properties["type"] = {{"type", "string"}, {"description", type.help}};
    required.push_back(schema_of_required("type", {}, spelling));
  }
  for (const auto& field : type.fields) {
    add_field(properties, field, spelling);
    if (!field.required) continue;
    required.push_back(schema_of_required(field.name, field.former, spelling));
  }
  for (const auto name : more) properties[std::string(name)] = Json::object();
  properties["copy"] = {{"description", "a copy loop of ARM templates"}};
  schema["properties"] = std::move(properties);
  if (!required.empty()) schema["allOf"] = std::move(required);
  if (spelling == Spelling::kOverlooks) return schema;
  schema["patternProperties"] =
      spelling == Spelling::kAnyCase ? other_names(type, more) : Json::object();
  schema["patternProperties"][R"(^\[)"] = Json::object();
  schema["additionalProperties"] = false;
  return schema;
}

}  // namespace kiln
