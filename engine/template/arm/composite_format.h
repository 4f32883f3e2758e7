#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/core/result.h"

namespace kiln::arm {

/// .NET's composite formats in the invariant culture: `{index[,alignment][:format]}`, `{{`, `}}`.
/// Integers take D, X, N, F, G and patterns of 0 and #; other values take no format.
Result<std::string> composite_format(std::string_view pattern,
                                     std::span<const nlohmann::json* const> values);

}  // namespace kiln::arm
