#pragma once

#include "disk/formats/image_format.h"

namespace kiln {

/// A footer at both ends, a header and a block allocation table. Differencing disks, which have the
/// same shape, are recognized and refused.
ImageFormat dynamic_vhd_format();

}  // namespace kiln
