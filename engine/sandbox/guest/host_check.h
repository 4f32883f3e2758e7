#pragma once

#include <string>

#include "engine/core/result.h"

namespace kiln {

/// Opens libvirt's embedded driver in a temporary folder and closes it again; returns what was
/// found, e.g. `libvirt 9.0.0, in this process`. Leaves nothing behind.
Result<std::string> examine_virt();

/// The firmware that starts images of generation 2.
Result<std::string> examine_uefi();

/// What images of security type TrustedLaunch need besides: Secure Boot and a TPM.
Result<std::string> examine_trusted_launch();

}  // namespace kiln
