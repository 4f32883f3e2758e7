#pragma once

#include "engine/agent/guest_agent.h"
#include "engine/core/event.h"
#include "engine/sandbox/guest/placement.h"

namespace kiln {

/// systemd starts the agent early; steps begin when it says that the system is up. A system in
/// which some unit failed is up, and one that does not finish within `patience` is used all the
/// same, with a warning. sysvinit starts the agent when all else has been started.
Result<void> await_system(GuestAgent& agent,
                          InitSystem init,
                          EventSink& events,
                          std::chrono::milliseconds patience,
                          const CancelToken& cancel);

/// Differs after every start of the system.
Result<std::string> boot_id(GuestAgent& agent, const CancelToken& cancel);

enum class Shutdown { kPowerOff, kReboot };

/// The command that has the system do it.
const char* shutdown_command(InitSystem init, Shutdown what);

/// Asks the system to shut down; returns when it has begun.
Result<void> ask_for_shutdown(GuestAgent& agent,
                              const char* command,
                              std::chrono::milliseconds patience,
                              const CancelToken& cancel);

}  // namespace kiln
