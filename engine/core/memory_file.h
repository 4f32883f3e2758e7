#pragma once

#include <string_view>

#include "engine/core/result.h"
#include "engine/core/unique_fd.h"

namespace kiln {

/// A file without a name, of which nobody else can get hold, that holds `contents` and is at its
/// beginning. For what reads only files.
Result<UniqueFd> memory_file(std::string_view contents);

}  // namespace kiln
