#pragma once

#include <string>

#include "engine/agent/guest_agent.h"

namespace kiln {

/// What a short command in a system says, on both streams.
struct SystemAnswer {
  GuestExit exit;
  std::string out;  ///< at most 8 KiB
};

/// Runs a command of Kiln's own beside the steps.
Result<SystemAnswer> ask_system(GuestAgent& agent,
                                const GuestCommand& command,
                                const CancelToken& cancel);

}  // namespace kiln
