#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "disk/formats/crc32c.h"
#include "engine/core/bytes.h"

namespace kiln::test {

/// Where the pieces of the compact form stand in a VHDX, and how long each is in it.
struct VhdxPiece {
  std::size_t at;
  std::size_t length;
};
inline constexpr std::array kVhdxPieces = {
    VhdxPiece{64 * kKiB, 128},            // the first header
    VhdxPiece{192 * kKiB, 256},           // the first region table
    VhdxPiece{2 * kMiB, 512},             // the metadata table
    VhdxPiece{2 * kMiB + 64 * kKiB, 64},  // metadata items
    VhdxPiece{3 * kMiB, 4 * kKiB},        // the block allocation table
};

/// A VHDX of 6 MiB from its pieces one after the other, with right checksums, so that a seed has
/// 1 KiB and a fuzzer gets past the checksums.
inline std::vector<std::byte> vhdx_from_pieces(Bytes pieces) {
  std::vector<std::byte> image(6 * kMiB);
  for (std::size_t i = 0; i < 8; ++i) image[i] = static_cast<std::byte>("vhdxfile"[i]);
  for (const auto& piece : kVhdxPieces) {
    const auto part = pieces.first(std::min(piece.length, pieces.size()));
    std::ranges::copy(part, image.begin() + static_cast<std::ptrdiff_t>(piece.at));
    pieces = pieces.subspan(part.size());
  }
  const auto seal = [&](std::size_t at, std::size_t length) {
    const auto part = MutableBytes(image).subspan(at, length);
    write_le(part, 4, std::uint32_t{0});
    write_le(part, 4, crc32c(part));
  };
  seal(64 * kKiB, 4 * kKiB);
  seal(192 * kKiB, 64 * kKiB);
  return image;
}

}  // namespace kiln::test
