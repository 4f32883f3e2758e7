#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "engine/run/layers/changed_files.h"
#include "engine/run/report/timeline.h"

namespace kiln {

/// One page of HTML that needs nothing else: the run's result, its timeline as a picture, its
/// steps, layers and outputs. What comes from a template or a guest is escaped.
/// @param record run.json
/// @param changes which files each layer changed; null where nobody asked, or none are known
std::string report_html(const nlohmann::json& record,
                        const Timeline& timeline,
                        const RunChanges* changes = nullptr);

}  // namespace kiln
