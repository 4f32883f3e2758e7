#pragma once

#include "engine/agent/windows/serve.h"

namespace kiln::agent {

/// Serves as the service that the service control manager has started this process for, until the
/// host quits, the service is stopped or the system shuts down.
/// @return the program's exit code; not 0 where nobody started it as a service
int run_service(const ServeOptions& options);

}  // namespace kiln::agent
