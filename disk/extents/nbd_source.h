#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "disk/extents/block_source.h"
#include "engine/core/process_runner.h"

namespace kiln {

/// Opens a disk read-only through a private qemu-nbd on a Unix socket and libnbd's block status.
/// @param node a qemu block node: `json:{…}` (see qemu_node)
/// @param folder an existing private folder for the socket
Result<std::unique_ptr<BlockSource>> open_nbd_source(ProcessRunner& runner,
                                                     const std::string& node,
                                                     const std::filesystem::path& folder,
                                                     const CancelToken& cancel);

/// A raw file on the host, its holes found with SEEK_DATA. `size` bytes from the beginning are the
/// disk, which leaves out a fixed VHD's footer.
Result<std::unique_ptr<BlockSource>> open_raw_source(const std::filesystem::path& path,
                                                     std::uint64_t size);

}  // namespace kiln
