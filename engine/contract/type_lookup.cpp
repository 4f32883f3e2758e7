#include "engine/contract/type_lookup.h"

#include <algorithm>
#include <vector>

#include "engine/core/text.h"

namespace kiln {
namespace {

/// The member `type`, in the case that the api-version lets pass.
std::optional<JsonReader> find_discriminator(const JsonReader& body,
                                             const ContractContext& context) {
  if (body.is_unknown()) return std::nullopt;
  if (auto exact = body.find("type")) return exact;
  const auto members = body.members();
  if (!members) {
    context.add(members.error());
    return std::nullopt;
  }
  for (const auto& [name, place] : *members) {
    if (!(is_strict(context.version) && context.versioned) && equal_ignoring_case(name, "type"))
      return place;
  }
  context.error(body,
                "Template:MissingField",
                "the field \"type\" is missing here",
                "the item's type",
                "add \"type\"");
  return std::nullopt;
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

}  // namespace

const RecordType* find_type(const JsonReader& body,
                            std::string_view what,
                            std::span<const RecordType* const> known,
                            const ContractContext& context) {
  const auto place = find_discriminator(body, context);
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
  return nullptr;
}

}  // namespace kiln
