#pragma once

#include <string>

#include "customizers/customizer.h"

namespace kiln {

/// The text that stands at kDeprovisionScriptPath before the first step.
const std::string& default_deprovision_script();

/// Shows and runs whatever stands there now, as the service does.
Result<void> run_deprovision_script(const StepContext& context);

}  // namespace kiln
