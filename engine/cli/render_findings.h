#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "engine/contract/diagnostic.h"

namespace kiln {

/// The findings of `validate` for a person: errors first, each severity by line.
std::string findings_to_text(const Diagnostics& found);

/// One object for each finding.
nlohmann::ordered_json findings_to_json(const Diagnostics& found);

/// A SARIF 2.1.0 log with one run, for code scanning and editors.
nlohmann::ordered_json findings_to_sarif(const Diagnostics& found);

}  // namespace kiln
