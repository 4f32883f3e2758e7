#pragma once

#include "engine/cli/exit_codes.h"
#include "engine/cli/settings.h"
#include "engine/core/result.h"
#include "engine/run/runner.h"

namespace kiln {

/// Prints what a build or a later distribution delivered. Its errors are the result, as one, with
/// what can be done next.
Result<ExitCode> report_run(const Settings& settings, const BuildReport& report);

}  // namespace kiln
