#pragma once

#include <chrono>

#include "engine/contract/record.h"

namespace kiln {

/// The field `restartTimeout` of the steps that restart: magnitudes with units, such as `5m` or
/// `1h30m`; `otherwise` where it is absent.
Result<std::chrono::seconds> read_restart_timeout(const Record& record,
                                                  std::chrono::seconds otherwise);

}  // namespace kiln
