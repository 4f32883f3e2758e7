#include <array>

#include "customizers/customizer.h"
#include "customizers/file/file_customizer.h"
#include "customizers/kiln_restart/kiln_restart.h"
#include "customizers/powershell/powershell.h"
#include "customizers/shell/shell.h"
#include "customizers/windows_restart/windows_restart.h"
#include "customizers/windows_update/windows_update.h"

namespace kiln {
namespace {

constexpr std::array kEntries = {
    CustomizerEntry{&kShellType, parse_shell, ApiVersion::k2022February},
    CustomizerEntry{&kFileType, parse_file_customizer, ApiVersion::k2022July},
    CustomizerEntry{&kPowerShellType, parse_powershell, ApiVersion::k2022February},
    CustomizerEntry{&kWindowsRestartType, parse_windows_restart, std::nullopt},
    CustomizerEntry{&kWindowsUpdateType, parse_windows_update, std::nullopt},
    CustomizerEntry{&kKilnRestartType, parse_kiln_restart, std::nullopt},
};

}  // namespace

std::span<const CustomizerEntry> customizer_registry() {
  return kEntries;
}

ParsedItem<Customizer> parse_customizer(const JsonReader& body, const ContractContext& context) {
  return parse_item<Customizer>(
      body, "customizer", customizer_registry(), context.of("BadCustomizerType"));
}

ParsedItem<Customizer> parse_validator(const JsonReader& body, const ContractContext& context) {
  std::vector<CustomizerEntry> entries;
  for (const auto& entry : kEntries) {
    if (entry.validates_since) entries.push_back(entry);
  }
  return parse_item<Customizer>(
      body, "validator", std::span<const CustomizerEntry>(entries), context.of("BadValidatorType"));
}

Result<std::unique_ptr<Customizer>> parse_customizer(const JsonReader& body) {
  return parse_one_item<Customizer>(body, "customizer", customizer_registry());
}

}  // namespace kiln
