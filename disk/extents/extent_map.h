#pragma once

#include <vector>

#include "disk/extents/block_source.h"

namespace kiln {

/// Builds the list that BlockSource::extents promises: adjacent, merged, and with zero runs of less
/// than 64 KiB between data taken as data, so that the list of a fragmented disk stays short. Such
/// zeros are still found when the data is read.
class ExtentMap {
 public:
  /// Appends `length` bytes.
  void add(std::uint64_t length, bool zero);
  [[nodiscard]] std::uint64_t end() const { return end_; }
  std::vector<Extent> take();

 private:
  std::vector<Extent> extents_;
  std::uint64_t end_ = 0;
};

}  // namespace kiln
