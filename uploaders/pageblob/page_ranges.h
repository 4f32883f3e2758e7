#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/core/result.h"

namespace kiln {

struct PageRange {
  std::uint64_t offset = 0;  ///< bytes
  std::uint64_t length = 0;  ///< bytes
  bool operator==(const PageRange&) const = default;
};

/// Ranges in ascending order, neighbours joined.
class PageRangeSet {
 public:
  /// @param range not before the end of the last one added
  void add(PageRange range);
  [[nodiscard]] const std::vector<PageRange>& ranges() const { return ranges_; }
  [[nodiscard]] std::uint64_t bytes() const;
  /// The parts inside [begin, end).
  [[nodiscard]] PageRangeSet within(std::uint64_t begin, std::uint64_t end) const;
  /// The parts that are in no range of the other set.
  [[nodiscard]] PageRangeSet without(const PageRangeSet& other) const;

 private:
  std::vector<PageRange> ranges_;
};

struct PageList {
  std::vector<PageRange> ranges;
  std::string next_marker;  ///< empty at the end
};

/// The body of Get Page Ranges.
Result<PageList> parse_page_list(const std::string& xml);

}  // namespace kiln
