#include "engine/template/arm/declarations.h"

#include <algorithm>
#include <array>
#include <set>

#include "engine/core/text.h"

namespace kiln::arm {
namespace {

/// ARM reads these in any case.
constexpr std::array<std::string_view, 12> kParts = {"$schema",
                                                     "contentVersion",
                                                     "languageVersion",
                                                     "apiProfile",
                                                     "definitions",
                                                     "functions",
                                                     "parameters",
                                                     "variables",
                                                     "resources",
                                                     "outputs",
                                                     "metadata",
                                                     "extensions"};

constexpr std::array<std::string_view, 16> kMembers = {"type",
                                                       "$ref",
                                                       "defaultValue",
                                                       "allowedValues",
                                                       "minLength",
                                                       "maxLength",
                                                       "minValue",
                                                       "maxValue",
                                                       "metadata",
                                                       "nullable",
                                                       "items",
                                                       "prefixItems",
                                                       "properties",
                                                       "additionalProperties",
                                                       "discriminator",
                                                       "sealed"};

/// A name that is nearly one of the known ones is a slip; others may be of a later language.
/// @return the known names that were meant
std::set<std::string> check_names(const JsonReader& object,
                                  std::span<const std::string_view> known,
                                  std::string_view what,
                                  Context& context) {
  std::set<std::string> meant;
  const auto members = object.members();
  if (!members) return meant;
  for (const auto& [name, place] : *members) {
    const auto same = [&name = name](std::string_view one) {
      return equal_ignoring_case(one, name);
    };
    if (std::any_of(known.begin(), known.end(), same)) continue;
    // A value belongs to the parameters file; the declaration has a default.
    const auto near = name == "value" ? "defaultValue" : nearest_word(name, known);
    if (near.empty()) continue;
    meant.insert(near);
    context.failures.add(
        place
            .error("Arm:UnknownMember",
                   fmt::format("\"{}\" is no part of {}", printable(name, 60), what))
            .expecting(fmt::format("one of {}", fmt::join(known, ", ")))
            .cure(fmt::format("did you mean \"{}\"?", near)));
  }
  return meant;
}

std::optional<std::int64_t> read_limit(const JsonReader& declaration,
                                       std::string_view name,
                                       Context& context) {
  const auto place = find_field(declaration, name);
  if (!place) return std::nullopt;
  const auto limit = place->as_integer(INT64_MIN, INT64_MAX);
  if (limit) return *limit;
  context.failures.add(limit.error());
  return std::nullopt;
}

void check_limits(const JsonReader& declaration,
                  std::string_view least,
                  std::string_view most,
                  Context& context) {
  const auto low = read_limit(declaration, least, context);
  const auto high = read_limit(declaration, most, context);
  if (!low || !high || *low <= *high) return;
  context.failures.add(
      find_field(declaration, least)
          ->error("Parameter:BadLimits",
                  fmt::format("no value has {} {} and {} {}", least, *low, most, *high))
          .expecting(fmt::format("at most {}", *high))
          .cure("exchange the two, or correct one of them"));
}

void check_parameter(const std::string& name, const JsonReader& declaration, Context& context) {
  const auto meant = check_names(declaration, kMembers, "a parameter's declaration", context);
  const bool typed = find_field(declaration, "type") || find_field(declaration, "$ref");
  if (!typed && !meant.contains("type") && !meant.contains("$ref")) {
    context.failures.add(
        declaration
            .error("Parameter:NoType",
                   fmt::format("the parameter \"{}\" has no type", printable(name, 60)))
            .expecting("a member \"type\"")
            .cure(R"(add "type": "string", or what else its values are)"));
  }
  check_limits(declaration, "minLength", "maxLength", context);
  check_limits(declaration, "minValue", "maxValue", context);
  const auto allowed = find_field(declaration, "allowedValues");
  if (!allowed) return;
  if (const auto values = allowed->items(); !values) {
    context.failures.add(values.error());
  } else if (values->empty()) {
    context.failures.add(
        allowed
            ->error("Parameter:NothingAllowed",
                    fmt::format("the parameter \"{}\" allows no value at all", printable(name, 60)))
            .cure("name the values, or remove allowedValues"));
  }
}

}  // namespace

void check_declarations(const JsonReader& body, Context& context) {
  check_names(body, kParts, "a deployment template", context);
  const auto parameters = find_field(body, "parameters");
  const auto members = parameters ? parameters->members()
                                  : Result<std::vector<std::pair<std::string, JsonReader>>>();
  if (!members) return;
  for (const auto& [name, declaration] : *members) {
    if (declaration.value().is_object()) check_parameter(name, declaration, context);
  }
}

}  // namespace kiln::arm
