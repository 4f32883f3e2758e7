#pragma once

#include "disk/formats/image_format.h"

namespace kiln {

ImageFormat raw_format();

}  // namespace kiln
