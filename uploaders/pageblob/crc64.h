#pragma once

#include <cstdint>
#include <string>

#include "engine/core/bytes.h"

namespace kiln {

/// CRC-64/NVME, the checksum that Azure Storage calls CRC64: polynomial 0xAD93D23594C93659
/// reflected, initial value and final exclusive-or all ones.
/// @param previous the CRC of what came before `data`, for computing in pieces
std::uint64_t crc64(Bytes data, std::uint64_t previous = 0);

/// As in x-ms-content-crc64: base64 of the eight bytes, least significant first.
std::string crc64_header(std::uint64_t crc);

}  // namespace kiln
