#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "engine/run/timeline.h"

namespace kiln {

/// One page of HTML that needs nothing else: the run's result, its timeline as a picture, its
/// steps, layers and outputs. What comes from a template or a guest is escaped.
/// @param record run.json
std::string report_html(const nlohmann::json& record, const Timeline& timeline);

}  // namespace kiln
