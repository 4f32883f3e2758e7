#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "engine/core/bytes.h"

namespace kiln {

/// A fast digest (XXH3, 128 bit) of a disk's contents, independent of which zeros are holes: it
/// takes the non-zero 64 KiB granules and their offsets in ascending order. It names contents and
/// catches damage; it is no defence against forgery, for which outputs carry SHA-256.
class ContentDigest {
 public:
  static constexpr std::uint64_t kGranule = 64 * kKiB;
  ContentDigest();
  ~ContentDigest();
  ContentDigest(ContentDigest&&) noexcept;
  /// @param offset multiple of kGranule, ascending from call to call
  void add(std::uint64_t offset, Bytes data);
  /// Ends with the disk's size in bytes.
  std::array<std::byte, 16> finish(std::uint64_t disk_size);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kiln
