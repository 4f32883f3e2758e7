#pragma once

#include <filesystem>

#include <nlohmann/json.hpp>

#include "engine/core/result.h"

namespace kiln {

/// A run's record as users see it: one whose process died is `Interrupted`.
Result<nlohmann::json> read_run_record(const std::filesystem::path& folder);

}  // namespace kiln
