#include "engine/template/unclosed.h"

#include <algorithm>
#include <array>

#include "engine/core/text.h"

namespace kiln {
namespace {

/// The functions that expressions mostly begin with; scripts know them in this form hardly.
constexpr std::array<std::string_view, 8> kFunctions = {"parameters",
                                                        "variables",
                                                        "concat",
                                                        "resourceId",
                                                        "format",
                                                        "resourceGroup",
                                                        "subscription",
                                                        "reference"};

bool calls_a_function(std::string_view text) {
  return std::any_of(kFunctions.begin(), kFunctions.end(), [&](std::string_view name) {
    return text.size() > name.size() && text[name.size()] == '(' &&
           equal_ignoring_case(text.substr(0, name.size()), name);
  });
}

void note(const JsonReader& place, const char* which, const char* cure, Diagnostics& found) {
  auto finding = diagnose(
      Severity::kWarning,
      place,
      "Template:UnclosedExpression",
      fmt::format("this looks like an expression, but its {} bracket is missing, so that it is "
                  "taken literally",
                  which));
  finding.suggestion = cure;
  found.add(std::move(finding));
}

void look_at(const JsonReader& place, Diagnostics& found) {
  if (place.is_unknown()) return;
  if (place.value().is_string()) {
    const std::string_view text = place.value().get_ref<const std::string&>();
    if (text.starts_with('[') && calls_a_function(text.substr(1)) && !text.ends_with(']')) {
      note(place, "closing", "add ] at its end", found);
    } else if (calls_a_function(text) && text.ends_with(")]")) {
      note(place, "opening", "write [ before it", found);
    }
  } else if (const auto items = place.items()) {
    for (const auto& item : *items) look_at(item, found);
  } else if (const auto members = place.members()) {
    for (const auto& [name, member] : *members) look_at(member, found);
  }
}

}  // namespace

void note_unclosed_expressions(const JsonReader& resource, Diagnostics& found) {
  look_at(resource, found);
}

}  // namespace kiln
