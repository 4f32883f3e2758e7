#include "engine/contract/field_value.h"

#include <algorithm>
#include <charconv>

#include "engine/core/text.h"

namespace kiln {
namespace {

bool is_exit_code(const nlohmann::json& value) {
  if (value.is_number_integer()) return true;
  if (!value.is_string()) return false;
  const auto& text = value.get_ref<const std::string&>();
  std::int64_t code = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), code);
  return !text.empty() && parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

/// Tells the error of a reader.
template <class T>
bool check(const Result<T>& checked, const ContractContext& context) {
  if (!checked) context.add(checked.error());
  return checked.has_value();
}

bool check_string(const JsonReader& place, const ContractContext& context) {
  return !place.is_unknown() && check(place.as_string(), context);
}

bool check_enumeration(const Field& field,
                       const JsonReader& place,
                       const ContractContext& context) {
  if (field.values.empty()) return true;
  const auto& text = place.value().get_ref<const std::string&>();
  if (std::find(field.values.begin(), field.values.end(), text) != field.values.end()) return true;
  const auto near = nearest_word(text, field.values);
  context.error(place,
                "Template:BadValue",
                fmt::format("\"{}\" is not a value of \"{}\"", printable(text, 60), field.name),
                fmt::format("one of {}", fmt::join(field.values, ", ")),
                near.empty() ? fmt::format("write one of {}", fmt::join(field.values, ", "))
                             : fmt::format("did you mean \"{}\"?", near));
  return false;
}

bool check_exit_code(const JsonReader& place, const ContractContext& context) {
  if (place.is_unknown()) return false;
  if (!is_exit_code(place.value())) {
    context.error(place,
                  "Template:BadExitCode",
                  "this is not an exit code",
                  "an integer",
                  "write the code as a number, e.g. 3010");
    return false;
  }
  if (place.value().is_string()) {
    tell_slip(context,
              place,
              "Template:ExitCodeAsText",
              "this exit code is written as text",
              "write the number without quotation marks");
  }
  return true;
}

bool check_array(const JsonReader& array,
                 const ContractContext& context,
                 bool (*fits)(const JsonReader&, const ContractContext&)) {
  const auto items = read_items(array, context);
  if (!items) return false;
  bool sound = true;
  for (const auto& item : *items) sound = fits(item, context) && sound;
  return sound;
}

bool check_map(const JsonReader& place, const ContractContext& context) {
  const auto members = place.members();
  if (!check(members, context)) return false;
  bool sound = true;
  for (const auto& [key, member] : *members) {
    // A null member counts as absent; expressions leave some behind.
    if (!member.value().is_null()) sound = check_string(member, context) && sound;
  }
  return sound;
}

}  // namespace

bool check_field_value(const Field& field,
                       const JsonReader& place,
                       const ContractContext& context) {
  if (place.is_unknown()) return false;
  switch (field.kind) {
    case FieldKind::kString:
      return check_string(place, context) && check_enumeration(field, place, context);
    case FieldKind::kInteger:
      return check(place.as_integer(field.minimum, field.maximum), context);
    case FieldKind::kBoolean:
      return check(place.as_bool(), context);
    case FieldKind::kStrings:
      return check_array(place, context, check_string);
    case FieldKind::kExitCodes:
      return check_array(place, context, check_exit_code);
    case FieldKind::kStringMap:
      return check_map(place, context);
    case FieldKind::kObject:
    case FieldKind::kObjects:
      break;  // records, which the checker of records reads
    case FieldKind::kOpenObject:
    case FieldKind::kItem:
      return check(place.members(), context);
    case FieldKind::kOpenArray:
    case FieldKind::kItems:
      return check(place.items(), context);
  }
  return true;
}

std::optional<std::vector<JsonReader>> read_items(const JsonReader& array,
                                                  const ContractContext& context) {
  if (array.is_unknown()) return std::nullopt;
  auto items = array.items();
  if (items) return *std::move(items);
  context.add(items.error());
  return std::nullopt;
}

void tell_slip(const ContractContext& context,
               const JsonReader& place,
               std::string code,
               std::string message,
               std::string suggestion) {
  const bool strict = is_strict(context.version) && context.versioned;
  auto diagnostic = diagnose(
      strict ? Severity::kError : Severity::kWarning, place, std::move(code), std::move(message));
  diagnostic.suggestion = std::move(suggestion);
  diagnostic.provisioning_error = context.provisioning_error;
  context.found.add(std::move(diagnostic));
}

}  // namespace kiln
