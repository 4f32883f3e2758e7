#pragma once

#include <string_view>

namespace kiln {

/// What `kiln template init` writes: a template that `kiln validate` accepts, to be changed.
std::string_view starter_template();

}  // namespace kiln
