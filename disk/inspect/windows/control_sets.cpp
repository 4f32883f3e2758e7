#include "disk/inspect/windows/control_sets.h"

#include <set>

#include <fmt/format.h>

#include "disk/inspect/windows/registry_text.h"

namespace kiln {

Result<std::vector<std::string>> control_sets(Hive& system) {
  constexpr std::uint32_t kLastSet = 999;
  std::set<std::string> found;
  for (const char* name : {"Current", "Default", "Failed", "LastKnownGood"}) {
    KILN_TRY_ASSIGN(const auto value, system.value("Select", name));
    const auto number = value ? number_of(*value).value_or(0) : 0;
    if (number == 0 || number > kLastSet) continue;
    auto set = fmt::format("ControlSet{:03}", number);
    KILN_TRY_ASSIGN(const bool there, system.has_key(set));
    if (there) found.insert(std::move(set));
  }
  return std::vector<std::string>(found.begin(), found.end());
}

}  // namespace kiln
