#pragma once

#include <filesystem>
#include <vector>

#include "engine/sandbox/sandbox.h"

namespace kiln {

/// A disc's drive for each, in the machines that steps run in.
inline constexpr std::size_t kMostMedia = 20;

/// Looks whether an ISO or a folder can be attached, names it by what the user sees, and adds it.
/// Refuses a second one with the same name, and one more than `most`.
Result<void> add_medium(const std::filesystem::path& path,
                        std::vector<OfflineMedium>& media,
                        std::size_t most = kMostMedia);

}  // namespace kiln
