#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "engine/core/json_relaxed.h"
#include "engine/core/result.h"

namespace kiln {

/// Parses a foreign text; what is wrong with it is told with place and cure.
/// @param text the original, which places are named in
/// @param strict the same as strict JSON
/// @param name how messages call the document
Result<nlohmann::json> parse_json_text(const std::string& text,
                                       const RelaxedJson& strict,
                                       const std::string& name);

/// A byte of the text as messages name it: `template.json:12:7`.
std::string describe_byte(const std::string& name, std::string_view text, std::size_t byte);

}  // namespace kiln
