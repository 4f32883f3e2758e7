#pragma once

#include <string>
#include <string_view>

#include "engine/plan/plan.h"

namespace kiln {

struct SandboxChoice {
  std::string_view name;  ///< in the sandbox registry
  std::string reason;     ///< for a person
};

/// Booting takes longer, so it is done only where it is needed or asked for.
/// @param system of the image; Windows is always booted
Result<SandboxChoice> choose_sandbox(const CheckedTemplate& checked,
                                     StepSystem system,
                                     SandboxMode mode);

/// Validators get what the service gives them, a system made from the image, unless the user wants
/// it mounted.
SandboxChoice choose_validation_sandbox(const CheckedTemplate& checked,
                                        StepSystem system,
                                        SandboxMode mode);

/// What starts an image of that generation.
Firmware firmware_of(HyperVGeneration generation);

}  // namespace kiln
