#include "disk/extents/extent_map.h"

namespace kiln {

void ExtentMap::add(std::uint64_t length, bool zero) {
  constexpr std::uint64_t kShortestHole = 64 * kKiB;
  if (length == 0) return;
  if (!extents_.empty() && extents_.back().zero == zero) {
    extents_.back().length += length;
  } else if (!zero && extents_.size() >= 2 && extents_.back().length < kShortestHole) {
    const auto hole = extents_.back().length;
    extents_.pop_back();
    extents_.back().length += hole + length;
  } else {
    extents_.push_back({end_, length, zero});
  }
  end_ += length;
}

std::vector<Extent> ExtentMap::take() {
  return std::move(extents_);
}

}  // namespace kiln
