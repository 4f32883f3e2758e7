#pragma once

#include <chrono>
#include <memory>

#include "engine/agent/guest_agent.h"

namespace kiln {

/// How long the host's end waits for what; only tests choose other values.
struct AgentPatience {
  std::chrono::milliseconds hello;
  /// Of hearing nothing, before it asks for a sign of life.
  std::chrono::milliseconds before_ping = std::chrono::seconds(10);
  std::chrono::milliseconds for_pong = std::chrono::seconds(60);
  /// For the agent to end what was cancelled.
  std::chrono::milliseconds for_cancel = std::chrono::seconds(5);
  /// Beyond a command's own time limit, which the agent enforces.
  std::chrono::milliseconds beyond_limit = std::chrono::seconds(30);
};

Result<std::unique_ptr<GuestAgent>> connect_agent(UniqueFd socket,
                                                  const AgentPatience& patience,
                                                  const CancelToken& cancel,
                                                  PortUse use = PortUse::kAgentOnly);

}  // namespace kiln
