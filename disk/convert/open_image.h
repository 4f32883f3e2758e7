#pragma once

#include <filesystem>
#include <memory>

#include "disk/extents/block_source.h"
#include "disk/image/image_info.h"
#include "engine/core/process_runner.h"

namespace kiln {

/// Opens an image of any format that `probe_image` takes, read-only: raw disks and fixed VHDs as
/// they lie in their file, the others by their map.
/// @param folder an existing private folder for what is only needed meanwhile
Result<std::unique_ptr<BlockSource>> open_image(ProcessRunner& runner,
                                                const ImageInfo& image,
                                                const std::filesystem::path& folder,
                                                const CancelToken& cancel);

}  // namespace kiln
