#pragma once

#include <algorithm>
#include <mutex>
#include <optional>
#include <vector>

#include "disk/extents/block_source.h"

namespace kiln::test {

/// A disk in memory that remembers what was read; reads beyond `fail_from` fail.
class MemorySource : public BlockSource {
 public:
  explicit MemorySource(std::vector<std::byte> contents, std::vector<Extent> extents = {})
      : contents_(std::move(contents)), extents_(std::move(extents)) {
    if (extents_.empty() && !contents_.empty()) extents_ = {{0, contents_.size(), false}};
  }

  [[nodiscard]] std::uint64_t size() const override { return contents_.size(); }
  Result<std::vector<Extent>> extents() override { return extents_; }

  Result<void> read(std::uint64_t offset, MutableBytes buffer) override {
    KILN_CHECK(offset + buffer.size() <= contents_.size());
    {
      const std::lock_guard lock(mutex_);
      reads.push_back({offset, buffer.size(), false});
    }
    if (fail_from && offset + buffer.size() > *fail_from) {
      return fail(ErrorKind::kIo, "Test:BadSector", "no");
    }
    std::copy_n(
        contents_.begin() + static_cast<std::ptrdiff_t>(offset), buffer.size(), buffer.begin());
    return {};
  }

  std::vector<Extent> reads;
  std::optional<std::uint64_t> fail_from;

 private:
  std::mutex mutex_;
  std::vector<std::byte> contents_;
  std::vector<Extent> extents_;
};

}  // namespace kiln::test
