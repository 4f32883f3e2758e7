#include <algorithm>

#include <fmt/format.h>

#include "engine/plan/contract_types.h"

namespace kiln {
namespace {

constexpr std::string_view kHead = R"(# The template contract, field by field

Made from the records that Kiln's parser uses; a test compares it with them, and them with the
service's OpenAPI descriptions of all api-versions.

| treatment | meaning |
|---|---|
| honoured | does here what it does in the service |
| planned | read, checked and shown by `kiln plan`; `kiln build` refuses a template that asks for it |
| notice | accepted with a notice in `plan` and in the run record, because it means nothing offline |
| read-only | the service fills it; accepted with a notice and not used |
| extension | Kiln's own; the service does not know it |

Whatever is in none of these tables is an unknown field: an error from api-version 2024-02-01 on and
where no api-version is given, a warning before, because the service overlooks it there. The wrong
case of a name, or a name that only earlier versions have, is an error from 2024-02-01 on and a warning
before and where no api-version is given. The column `since` is the first api-version whose OpenAPI
description has the field; before it, reading the field gives a warning.
)";

std::string_view treatment_word(Treatment treatment) {
  switch (treatment) {
    case Treatment::kHonoured:
      return "honoured";
    case Treatment::kPlanned:
      return "planned";
    case Treatment::kNotice:
      return "notice";
    case Treatment::kReadOnly:
      return "read-only";
  }
  return "honoured";
}

/// What is inside a part that is not honoured is treated as the part is.
Treatment inherited(Treatment outer, Treatment own) {
  return own == Treatment::kHonoured ? outer : own;
}

std::string versions(const Field& field, ApiVersion since) {
  if (field.extension) return "extension";
  std::string text(to_string(std::max(field.since, since)));
  if (field.until < kNewestVersion) text += fmt::format(" to {}", to_string(field.until));
  return text;
}

std::string remarks(const Field& field) {
  std::string text(field.help);
  if (!field.values.empty()) text += fmt::format("; one of {}", fmt::join(field.values, ", "));
  if (!field.former.empty()) {
    text += fmt::format("; `{}` up to {}", field.former, to_string(field.former_until));
  }
  return text;
}

void add_rows(std::string& text,
              const RecordType& type,
              const std::string& path,
              Treatment outer,
              ApiVersion since) {
  for (const auto& field : type.fields) {
    const auto treatment = inherited(outer, field.treatment);
    text += fmt::format("| `{}{}`{} | {} | {} | {} |\n",
                        path,
                        field.name,
                        field.required ? " (required)" : "",
                        versions(field, since),
                        treatment_word(treatment),
                        remarks(field));
    if (field.object == nullptr) continue;
    const auto* brackets = field.kind == FieldKind::kObjects ? "[]." : ".";
    add_rows(text,
             *field.object,
             fmt::format("{}{}{}", path, field.name, brackets),
             treatment,
             std::max(field.since, since));
  }
}

}  // namespace

std::string contract_document() {
  std::string text(kHead);
  for (const auto& entry : contract_types()) {
    text += entry.group.empty()
                ? "\n## The resource\n\n"
                : fmt::format("\n## `{}` of type `{}`\n\n{}.{}\n\n",
                              entry.group == "validate" ? "inVMValidations" : entry.group,
                              entry.type->name,
                              entry.type->help,
                              entry.type->extension ? " An extension." : "");
    text += "| field | since | treatment | remarks |\n|---|---|---|---|\n";
    add_rows(text, *entry.type, "", Treatment::kHonoured, entry.since);
  }
  return text;
}

}  // namespace kiln
