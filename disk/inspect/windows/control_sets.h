#pragma once

#include <string>
#include <vector>

#include "disk/inspect/windows/hives.h"

namespace kiln {

/// The control sets that Windows may start with, `ControlSet001` and so on, sorted: those that its
/// key Select names and that are there.
/// @param system the hive SYSTEM
Result<std::vector<std::string>> control_sets(Hive& system);

}  // namespace kiln
