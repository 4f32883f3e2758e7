#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "disk/formats/disk_format.h"

namespace kiln {

/// What our own header readers found. Sizes in bytes.
struct ImageInfo {
  std::filesystem::path path;  ///< absolute
  DiskFormat format = DiskFormat::kRaw;
  std::uint64_t virtual_size = 0;     ///< what a guest sees
  std::uint64_t file_size = 0;        ///< the file's length
  std::uint64_t allocated_size = 0;   ///< what it occupies on the host's disk
  std::vector<std::string> warnings;  ///< readable, but odd: a bad checksum, a size not whole MiB
};

}  // namespace kiln
