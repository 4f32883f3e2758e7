#pragma once

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include "disk/extents/block_source.h"

namespace kiln::test {

/// A disk in memory that fails the test's expectations rather than the contract: reads complete
/// only in `wait`, and reads beyond `fail_from` fail.
class MemorySource : public BlockSource {
 public:
  explicit MemorySource(std::vector<std::byte> contents, std::vector<Extent> extents = {})
      : contents_(std::move(contents)), extents_(std::move(extents)) {
    if (extents_.empty() && !contents_.empty()) extents_ = {{0, contents_.size(), false}};
  }

  [[nodiscard]] std::uint64_t size() const override { return contents_.size(); }
  Result<std::vector<Extent>> extents() override { return extents_; }

  Result<std::uint64_t> start_read(std::uint64_t offset, MutableBytes buffer) override {
    KILN_CHECK(offset + buffer.size() <= contents_.size());
    reads.push_back({offset, buffer.size(), false});
    under_way_.insert(reads.size() - 1);
    buffers_.push_back(buffer);
    std::uint64_t bytes = 0;
    for (const auto ticket : under_way_) bytes += reads[ticket].length;
    most_under_way = std::max(most_under_way, bytes);
    return reads.size() - 1;
  }

  Result<void> wait(std::uint64_t ticket) override {
    KILN_CHECK(under_way_.erase(ticket) == 1);
    const auto& read = reads[ticket];
    if (fail_from && read.offset + read.length > *fail_from) {
      return fail(ErrorKind::kIo, "Test:BadSector", "no");
    }
    std::copy_n(contents_.begin() + static_cast<std::ptrdiff_t>(read.offset),
                read.length,
                buffers_[ticket].begin());
    return {};
  }

  [[nodiscard]] bool is_idle() const { return under_way_.empty(); }

  std::vector<Extent> reads;
  std::uint64_t most_under_way = 0;  ///< bytes
  std::optional<std::uint64_t> fail_from;

 private:
  std::vector<std::byte> contents_;
  std::vector<Extent> extents_;
  std::vector<MutableBytes> buffers_;
  std::set<std::uint64_t> under_way_;
};

}  // namespace kiln::test
