#pragma once

#include "engine/agent/guest_agent.h"
#include "engine/core/event.h"

namespace kiln {

/// The agent comes up early; steps begin when systemd says that the system is up. A system in which
/// some unit failed is up, and one that does not finish is used all the same, with a warning.
Result<void> await_system(GuestAgent& agent, EventSink& events, const CancelToken& cancel);

/// Differs after every start of the system.
Result<std::string> boot_id(GuestAgent& agent, const CancelToken& cancel);

/// Asks systemd to shut down; returns when it has begun.
/// @param verb of systemctl: `poweroff`, `reboot`
Result<void> ask_for_shutdown(GuestAgent& agent, const char* verb, const CancelToken& cancel);

}  // namespace kiln
