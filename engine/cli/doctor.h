#pragma once

#include <string>
#include <vector>

#include "engine/cli/settings.h"
#include "engine/core/cancel.h"
#include "engine/core/process_runner.h"

namespace kiln {

/// One thing that a build needs from the host.
struct Finding {
  enum class Level { kOk, kWarning, kProblem };
  Level level = Level::kOk;
  std::string what;    ///< `qemu-nbd`, `KVM`, …
  std::string detail;  ///< what was found
  std::string cure;    ///< empty where all is well
};

/// Looks at the host; writes nothing that stays.
std::vector<Finding> examine_host(const Settings& settings,
                                  ProcessRunner& runner,
                                  const CancelToken& cancel);

}  // namespace kiln
