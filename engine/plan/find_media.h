#pragma once

#include <filesystem>
#include <vector>

#include "engine/sandbox/sandbox.h"

namespace kiln {

/// Looks whether an ISO or a folder can be attached, names it by what the user sees, and adds it.
/// Refuses a second one with the same name.
Result<void> add_medium(const std::filesystem::path& path, std::vector<OfflineMedium>& media);

}  // namespace kiln
