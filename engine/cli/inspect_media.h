#pragma once

#include "engine/cli/services.h"

namespace kiln {

/// `kiln image inspect` of an installer's disc.
Result<ExitCode> print_media(const std::filesystem::path& image, const Settings& settings);

}  // namespace kiln
