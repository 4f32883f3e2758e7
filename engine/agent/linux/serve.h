#pragma once

#include <functional>

#include "engine/agent/linux/jobs.h"
#include "engine/agent/session/session.h"

namespace kiln::agent {

/// A session's parts that are not the port's.
struct Served {
  Platform& platform;
  Outbox& outbox;
  Forwarder& forwarder;
};

/// Speaks the protocol on `port` until the host quits or is gone.
/// @param on_end undoes what must be undone before the host is told that all is over
/// @return the program's exit code: 0 after quit
int serve(int port, const Served& served, const std::function<void()>& on_end);

/// The same, of this system.
/// @param around_steps true before a step, false after it
int serve(int port,
          const StepSettings& settings,
          const std::function<void(bool)>& around_steps,
          const std::function<void()>& on_end);

}  // namespace kiln::agent
