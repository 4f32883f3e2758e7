#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "engine/agent/guest_agent.h"

namespace kiln {

enum class WindowsShutdown { kPowerOff, kRestart };

/// The command line for a person.
std::string windows_shutdown_line(WindowsShutdown what);

/// Asks the system to shut down; returns when it has begun. One that is already shutting down is as
/// good.
Result<void> ask_windows_for_shutdown(GuestAgent& agent,
                                      WindowsShutdown what,
                                      std::chrono::milliseconds patience,
                                      const CancelToken& cancel);

/// Has the agent's program remove the build's account, and its own service and file as soon as they
/// are not needed any more. Until then it answers.
Result<void> withdraw_windows_agent(GuestAgent& agent, const CancelToken& cancel);

/// Whether Windows is still setting itself up, which ends in restarts of its own.
Result<bool> windows_sets_itself_up(GuestAgent& agent, const CancelToken& cancel);

}  // namespace kiln
