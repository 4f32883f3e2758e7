#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "customizers/customizer.h"

namespace kiln {

/// Reads the URI in `field` and the `sha256Checksum` beside it; what is hardly meant as a path gets
/// a warning.
Result<StepInput> parse_input(const Record& record,
                              std::string_view field,
                              const ContractContext& context);

/// The local copy of `input` that the run has fetched and pinned.
Result<std::filesystem::path> fetched_input(const StepContext& context, const StepInput& input);

/// Compares a fetched file with the digest that the template gives; without one, any file is right.
Result<void> verify_input(const std::filesystem::path& path, const StepInput& input);

}  // namespace kiln
