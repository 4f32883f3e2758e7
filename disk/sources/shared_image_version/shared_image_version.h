#pragma once

#include <memory>

#include "disk/sources/source.h"

namespace kiln {

Result<std::unique_ptr<Source>> parse_shared_image_version(const JsonReader& body);

}  // namespace kiln
