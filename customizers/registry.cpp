#include <algorithm>
#include <array>

#include "customizers/customizer.h"
#include "customizers/file/file_customizer.h"
#include "customizers/shell/shell.h"

namespace kiln {
namespace {

Result<std::unique_ptr<Customizer>> refuse_windows_step(const JsonReader& body) {
  KILN_TRY_ASSIGN(const auto type, body.require("type"));
  return fail(ErrorKind::kUnsupported,
              "Template:NotYetSupported",
              "a {} step needs a Windows image, which this version of Kiln does not support yet",
              type.value().get<std::string>())
      .at(type.where())
      .cure("remove the step, or build this template in the service");
}

constexpr std::array kEntries = {
    CustomizerEntry{"Shell", "runs a script in a Linux image, inline or from a URI", parse_shell},
    CustomizerEntry{"File", "puts one file into the image", parse_file_customizer},
    CustomizerEntry{
        "PowerShell", "runs a script in Windows; not yet supported", refuse_windows_step},
    CustomizerEntry{"WindowsRestart", "restarts Windows; not yet supported", refuse_windows_step},
    CustomizerEntry{"WindowsUpdate", "updates Windows; not yet supported", refuse_windows_step},
};

}  // namespace

std::span<const CustomizerEntry> customizer_registry() {
  return kEntries;
}

Result<std::unique_ptr<Customizer>> parse_customizer(const JsonReader& body) {
  KILN_TRY_ASSIGN(const auto field, body.require("type"));
  KILN_TRY_ASSIGN(const auto type, field.as_string());
  const auto* const entry = std::find_if(
      kEntries.begin(), kEntries.end(), [&](const auto& known) { return known.type == type; });
  if (entry != kEntries.end()) return entry->parse(body);
  std::vector<std::string_view> types;
  types.reserve(kEntries.size());
  for (const auto& known : kEntries) types.push_back(known.type);
  return unknown_type(field, "customizer", types);
}

}  // namespace kiln
