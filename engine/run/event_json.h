#pragma once

#include <nlohmann/json.hpp>

#include "engine/core/event.h"

namespace kiln {

/// The line format of events.jsonl and of `--log-format json`:
/// {"seq","time","type","phase"?,"stepId"?,"message"?,"progress"?{done,total,unit},"fields"?}.
nlohmann::json event_to_json(const Event& event);

}  // namespace kiln
