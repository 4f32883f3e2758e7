#pragma once

#include "disk/formats/image_format.h"

namespace kiln {

/// Raw contents and a footer in the last 512 bytes.
ImageFormat fixed_vhd_format();

}  // namespace kiln
