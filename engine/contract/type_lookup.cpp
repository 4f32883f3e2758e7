#include "engine/contract/type_lookup.h"

#include <algorithm>
#include <array>
#include <vector>

#include "engine/core/text.h"

namespace kiln {
namespace {

constexpr std::string_view kType = "type";

/// The only type that knows every member of an item that does not say its type; null for none.
const RecordType* likeliest_type(const JsonReader& body, std::span<const RecordType* const> known) {
  const RecordType* likeliest = nullptr;
  for (const auto* type : known) {
    const auto has = [&](const std::string& name) {
      return std::any_of(type->fields.begin(), type->fields.end(), [&](const Field& field) {
        return equal_ignoring_case(field.name, name);
      });
    };
    bool fits = !body.value().empty();
    for (const auto& [name, value] : body.value().items()) fits = fits && has(name);
    if (!fits) continue;
    if (likeliest != nullptr) return nullptr;
    likeliest = type;
  }
  return likeliest;
}

/// The value of the member `type`; a spelling that the api-version does not let pass is told.
std::optional<JsonReader> find_discriminator(const JsonReader& body,
                                             std::span<const RecordType* const> known,
                                             const ContractContext& context) {
  if (body.is_unknown()) return std::nullopt;
  if (const auto members = body.members(); !members) {
    context.add(members.error());
    return std::nullopt;
  }
  const auto name = name_of_discriminator(body);
  auto place = body.find(name);
  const bool strict = is_strict(context.version) && context.versioned;
  if (place && (name == kType || (!strict && equal_ignoring_case(name, kType)))) return place;
  std::vector<std::string_view> names;
  for (const auto* type : known) names.push_back(type->name);
  const auto* likely = likeliest_type(body, known);
  auto cure = place               ? fmt::format("rename \"{}\" to \"type\"", printable(name, 60))
              : likely == nullptr ? std::string("add \"type\"")
                                  : fmt::format("add \"type\": \"{}\"", likely->name);
  context.error(body,
                "Template:MissingField",
                "the field \"type\" is missing here",
                fmt::format("the item's type: one of {}", fmt::join(names, ", ")),
                std::move(cure));
  return place;
}

void check_version(const JsonReader& place,
                   const RecordType& type,
                   const ContractContext& context) {
  if (type.extension || !context.versioned) return;
  if (context.version >= type.since && context.version <= type.until) return;
  const bool later = context.version < type.since;
  context.warning(place,
                  "Template:NotInVersion",
                  fmt::format("the type {} is not in api-version {} of the service; Kiln reads it",
                              type.name,
                              to_string(context.version)),
                  later ? fmt::format("raise apiVersion to {} or later", to_string(type.since))
                        : fmt::format("it ended with api-version {}", to_string(type.until)));
}

/// The type whose name is nearest to what was written; null where none is near.
const RecordType* nearest_type(const std::string& text,
                               std::span<const std::string_view> names,
                               std::span<const RecordType* const> known) {
  const auto near = nearest_word(text, names);
  const auto found = std::find_if(
      known.begin(), known.end(), [&](const auto* type) { return type->name == near; });
  return found == known.end() ? nullptr : *found;
}

}  // namespace

std::string name_of_discriminator(const JsonReader& body) {
  if (body.find(kType)) return std::string(kType);
  const auto members = body.members();
  if (!members) return {};
  const auto named = [&](auto&& matches) -> std::string {
    for (const auto& [name, place] : *members) {
      if (place.value().is_string() && matches(name)) return name;
    }
    return {};
  };
  auto name = named([](std::string_view one) { return equal_ignoring_case(one, kType); });
  if (!name.empty()) return name;
  return named([](std::string_view one) { return !nearest_word(one, std::array{kType}).empty(); });
}

const RecordType* find_type(const JsonReader& body,
                            std::string_view what,
                            std::span<const RecordType* const> known,
                            const ContractContext& context) {
  const auto place = find_discriminator(body, known, context);
  if (!place || place->is_unknown()) return nullptr;
  const auto text = place->as_string();
  if (!text) {
    context.add(text.error());
    return nullptr;
  }
  std::vector<std::string_view> names;
  for (const auto* type : known) {
    names.push_back(type->name);
    const bool oldest = context.version == ApiVersion::k2018Preview;
    const bool former = (oldest || !context.versioned) && type->former == *text;
    if (type->name != *text && !former) continue;
    if (former && !oldest) {
      context.warning(
          *place,
          "Template:FormerName",
          fmt::format("the type \"{}\" is called \"{}\" since api-version 2019-02-01-preview",
                      *text,
                      type->name),
          fmt::format("rename it to \"{}\"", type->name));
    }
    // What 2018-02-01-preview calls by its former name needs no word about its version.
    if (!former) check_version(*place, *type, context);
    return type;
  }
  context.add(unknown_type(*place, what, names));
  return nearest_type(*text, names, known);
}

}  // namespace kiln
