#pragma once

#include <string>

#include "disk/inspect/windows/hives.h"
#include "disk/inspect/windows/windows_facts.h"

namespace kiln {

/// Adds to `facts` what the two hives at these paths say.
/// @return `Windows:ControlSet` where SYSTEM does not name the set that Windows starts with
Result<void> read_registry(Hives& hives,
                           const std::string& system,
                           const std::string& software,
                           WindowsFacts& facts);

}  // namespace kiln
