#pragma once

#include <algorithm>
#include <cstring>

#include "engine/core/bytes.h"

namespace kiln {

/// True where all bytes are zero. Once the first few are, the rest equals itself shifted by as
/// many, which leaves the work to the C library's vectorized memcmp.
inline bool is_zero(Bytes bytes) {
  constexpr std::size_t kShift = 16;
  const auto first = bytes.first(std::min(bytes.size(), kShift));
  if (std::ranges::any_of(first, [](std::byte b) { return b != std::byte{0}; })) return false;
  return bytes.size() <= kShift ||
         std::memcmp(bytes.data(), bytes.data() + kShift, bytes.size() - kShift) == 0;
}

}  // namespace kiln
