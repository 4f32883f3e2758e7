#pragma once

#include <memory>

#include "disk/sources/source.h"

namespace kiln {

Result<std::unique_ptr<Source>> parse_platform_image(const JsonReader& body);

}  // namespace kiln
