#pragma once

#include <array>
#include <cstdint>

#include "engine/core/bytes.h"

namespace kiln {

/// A fast digest (XXH3, 128 bit) of a disk's contents, independent of which zeros are holes: the
/// sum of its non-zero 64 KiB granules' digests, each seeded with its offset, so that granules may
/// come in any order and several threads' digests be merged. It names contents and catches damage;
/// it is no defence against forgery.
class ContentDigest {
 public:
  static constexpr std::uint64_t kGranule = 64 * kKiB;
  /// Every granule once. @param offset multiple of kGranule
  void add(std::uint64_t offset, Bytes data);
  /// Adds all granules of another one.
  void merge(const ContentDigest& other);
  /// @param disk_size bytes
  [[nodiscard]] std::array<std::byte, 16> finish(std::uint64_t disk_size) const;

 private:
  void add_number(std::uint64_t low, std::uint64_t high);

  std::uint64_t low_ = 0;
  std::uint64_t high_ = 0;
};

}  // namespace kiln
