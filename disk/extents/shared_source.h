#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "disk/extents/block_source.h"

namespace kiln {

struct SharedSourceOptions {
  std::uint64_t block = kMiB;  ///< bytes that are read at a time
  std::uint64_t window = 32;   ///< blocks in memory at most
  std::chrono::milliseconds patience{10'000};
};

/// Lets several threads walk a disk at the same time while each of its blocks is read once: who
/// comes first reads it, and it stays in memory until the others have passed. Who is ahead by the
/// whole window waits. A reader that does not move for as long as the patience lasts is left
/// behind, and then reads for itself what the others have forgotten; so no reader can hold up the
/// rest.
/// @param source outlives the readers, and so do its extents
/// @return as many sources as asked for, each for one walk, with threads of its own; destroying one
///         ends its part in the walk
Result<std::vector<std::unique_ptr<BlockSource>>> share_source(
    BlockSource& source, std::size_t readers, const SharedSourceOptions& options = {});

}  // namespace kiln
