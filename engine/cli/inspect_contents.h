#pragma once

#include <string>

#include "disk/image/image_info.h"
#include "engine/cli/services.h"

namespace kiln {

/// What `kiln image inspect --windows` adds.
struct DiskContents {
  std::string text;
  nlohmann::json json;
};

/// Looks which Windows is on an image's disk, in libguestfs's appliance. The image is not written.
Result<DiskContents> inspect_contents(const ImageInfo& image, Services& services);

}  // namespace kiln
