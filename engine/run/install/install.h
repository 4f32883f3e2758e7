#pragma once

#include "disk/image/image_info.h"
#include "engine/installers/installer.h"
#include "engine/run/phases.h"

namespace kiln {

/// The ordered system on a disk of its own: installed now, or earlier from the same disc with the
/// same answers.
Result<ImageInfo> install_from_disc(const InstallOrder& order, const RunContext& context);

}  // namespace kiln
