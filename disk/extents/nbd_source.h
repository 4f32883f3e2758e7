#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "disk/extents/block_source.h"
#include "engine/core/process_runner.h"

namespace kiln {

/// Opens a disk read-only through a private qemu-nbd on a Unix socket and libnbd's block status:
/// for whatever only qemu can read, such as compressed clusters.
/// @param node a qemu block node: `json:{…}` (see qemu_node)
/// @param folder an existing private folder for the socket
Result<std::unique_ptr<BlockSource>> open_nbd_source(ProcessRunner& runner,
                                                     const std::string& node,
                                                     const std::filesystem::path& folder,
                                                     const CancelToken& cancel);

}  // namespace kiln
