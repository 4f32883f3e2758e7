#pragma once

#include <array>
#include <cstdint>
#include <filesystem>

#include "disk/extents/block_source.h"

namespace kiln {

struct FixedVhd {
  std::filesystem::path path;
  std::uint64_t virtual_size = 0;  ///< bytes, whole MiB; the file is 512 bytes longer
  std::uint64_t data_bytes = 0;    ///< bytes that are not holes
  std::array<std::byte, 16> content{};
};

/// Azure's sizes: whole MiB, at least 1 MiB.
std::uint64_t azure_virtual_size(std::uint64_t size_bytes);

/// The name that an unfinished VHD has until it is complete and verified. Its writer holds a lock
/// (flock) on it.
std::filesystem::path partial_vhd(std::filesystem::path path);

/// Writes an Azure-ready fixed VHD, sparse, beside `path` as `.partial`, reads it back to verify
/// contents and footer, and renames it into place. On failure nothing is left. Fails with File:Busy
/// where another process is writing the same VHD.
Result<FixedVhd> write_fixed_vhd(BlockSource& source,
                                 const std::filesystem::path& path,
                                 const CancelToken& cancel,
                                 const WalkProgress& progress);

}  // namespace kiln
