#pragma once

#include "disk/formats/header_reader.h"

namespace kiln {

/// Checks a VHDX's block allocation table: payload blocks lie inside of the file, past the header
/// section, and share no byte.
/// @param bat_offset, bat_length the table's region; all sizes in bytes and checked by the caller
Result<void> check_vhdx_blocks(const HeaderReader& reader,
                               std::uint64_t bat_offset,
                               std::uint64_t bat_length,
                               std::uint64_t block_size,
                               std::uint64_t virtual_size);

/// The refusal of a differencing disk, which several fields give away.
Error vhdx_has_parent(const HeaderReader& reader);

}  // namespace kiln
