#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "disk/extents/block_source.h"
#include "engine/core/process_runner.h"

namespace kiln {

/// Opens a disk read-only in any of qemu's formats, with backing files: `qemu-img map` says once
/// where in which file each extent lies, and that is read without anybody between. What has no such
/// place (compressed clusters, formats whose driver does not tell) is read by way of qemu-nbd.
/// @param node a qemu block node: `json:{…}` (see qemu_node)
/// @param files the files of the node and of its backing chain, the top layer's first
/// @param folder an existing private folder for what is only needed meanwhile
Result<std::unique_ptr<BlockSource>> open_mapped_source(
    ProcessRunner& runner,
    const std::string& node,
    const std::vector<std::filesystem::path>& files,
    const std::filesystem::path& folder,
    const CancelToken& cancel);

}  // namespace kiln
