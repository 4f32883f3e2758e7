#pragma once

#include <chrono>
#include <string>

#include "engine/core/event.h"

namespace kiln {

/// What a part of a run is spent on.
enum class TimedKind { kVm, kDisk, kNetwork };

/// Tells that something is done, and how long it took: `agent up in 0.2 s`.
/// @param after follows the time in the message
void tell_time(EventSink& events,
               TimedKind kind,
               const std::string& what,
               std::chrono::steady_clock::time_point since,
               const std::string& after = "");

}  // namespace kiln
