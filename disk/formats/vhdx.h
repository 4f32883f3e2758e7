#pragma once

#include "disk/formats/image_format.h"

namespace kiln {

ImageFormat vhdx_format();

}  // namespace kiln
