#pragma once

#include <cstdint>

#include "engine/core/bytes.h"

namespace kiln {

/// CRC-32C (Castagnoli), which zlib does not have; VHDX protects its headers with it.
std::uint32_t crc32c(Bytes bytes);

}  // namespace kiln
