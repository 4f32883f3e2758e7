#pragma once

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "disk/extents/block_source.h"

namespace kiln::test {

/// A sparse disk in memory's stead: every byte of its data ranges is computed from its offset and a
/// seed, so that disks of any size cost nothing and can be checked byte by byte.
class PatternDisk : public BlockSource {
 public:
  using Range = std::pair<std::uint64_t, std::uint64_t>;  // offset, length

  /// @param data ascending, multiples of 512
  PatternDisk(std::uint64_t size, std::vector<Range> data, std::uint64_t seed = 1)
      : size_(size), data_(std::move(data)), seed_(seed) {}

  [[nodiscard]] std::uint64_t size() const override { return size_; }

  Result<std::vector<Extent>> extents() override {
    std::vector<Extent> all;
    std::uint64_t at = 0;
    for (const auto& [offset, length] : data_) {
      if (offset > at) all.push_back({at, offset - at, true});
      all.push_back({offset, length, false});
      at = offset + length;
    }
    if (at < size_) all.push_back({at, size_ - at, true});
    return all;
  }

  Result<void> read(std::uint64_t offset, MutableBytes buffer) override {
    fill(offset, buffer);
    return {};
  }

  /// What stands at `offset`.
  void fill(std::uint64_t offset, MutableBytes buffer) const {
    std::fill(buffer.begin(), buffer.end(), std::byte{0});
    for (const auto& [start, length] : data_) {
      const auto from = std::max(start, offset);
      const auto to = std::min(start + length, offset + buffer.size());
      for (auto at = from; at < to; at += sizeof(std::uint64_t)) {
        const auto word = mix(at);
        std::memcpy(buffer.data() + (at - offset), &word, sizeof word);
      }
    }
  }

  [[nodiscard]] std::uint64_t data_bytes() const {
    std::uint64_t sum = 0;
    for (const auto& range : data_) sum += range.second;
    return sum;
  }

 private:
  /// splitmix64's finalizer; never zero in practice.
  [[nodiscard]] std::uint64_t mix(std::uint64_t value) const {
    value = (value + seed_) * 0x9E3779B97F4A7C15;
    value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9;
    value = (value ^ (value >> 27U)) * 0x94D049BB133111EB;
    return value ^ (value >> 31U);
  }

  std::uint64_t size_;
  std::vector<Range> data_;
  std::uint64_t seed_;
};

}  // namespace kiln::test
