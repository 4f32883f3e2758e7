#pragma once

#include <filesystem>
#include <memory>

#include "disk/extents/block_source.h"

namespace kiln {

/// A raw file on the host, its holes found with SEEK_DATA. `size` bytes from the beginning are the
/// disk, which leaves out a fixed VHD's footer.
Result<std::unique_ptr<BlockSource>> open_raw_source(const std::filesystem::path& path,
                                                     std::uint64_t size);

}  // namespace kiln
