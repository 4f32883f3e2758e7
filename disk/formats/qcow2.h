#pragma once

#include "disk/formats/image_format.h"

namespace kiln {

ImageFormat qcow2_format();

}  // namespace kiln
