#pragma once

#include "engine/cli/services.h"

namespace kiln {

/// Parses the command line, runs the command, reports its error. Returns the process's exit code.
int run_app(int argc, char** argv, Services& services);

}  // namespace kiln
