#pragma once

#include <functional>

#include "engine/agent/linux/jobs.h"

namespace kiln::agent {

/// Speaks the protocol on `port` until the host quits or is gone.
/// @param around_steps true before a step, false after it
/// @param on_end undoes what must be undone before the host is told that all is over
/// @return the program's exit code: 0 after quit
int serve(int port,
          const StepSettings& settings,
          const std::function<void(bool)>& around_steps,
          const std::function<void()>& on_end);

}  // namespace kiln::agent
