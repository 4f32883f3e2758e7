#include "disk/convert/content_digest.h"

#include <algorithm>
#include <cstring>

#include <xxhash.h>

#include "disk/extents/zero.h"
#include "engine/core/result.h"

namespace kiln {

void ContentDigest::add(std::uint64_t offset, Bytes data) {
  KILN_CHECK(offset % kGranule == 0);
  while (!data.empty()) {
    const auto granule = data.first(std::min<std::size_t>(data.size(), kGranule));
    if (!is_zero(granule)) {
      // A disk's end may cut its last granule; rounding the disk up must not change the digest.
      std::array<std::byte, kGranule> padded;
      const bool whole = granule.size() == kGranule;
      if (!whole) {
        padded.fill(std::byte{0});
        std::ranges::copy(granule, padded.begin());
      }
      const auto hash = XXH3_128bits_withSeed(
          whole ? granule.data() : padded.data(), kGranule, offset / kGranule);
      add_number(hash.low64, hash.high64);
    }
    offset += granule.size();
    data = data.subspan(granule.size());
  }
}

void ContentDigest::merge(const ContentDigest& other) {
  add_number(other.low_, other.high_);
}

void ContentDigest::add_number(std::uint64_t low, std::uint64_t high) {
  low_ += low;
  high_ += high + (low_ < low ? 1 : 0);
}

std::array<std::byte, 16> ContentDigest::finish(std::uint64_t disk_size) const {
  std::array<std::byte, 24> state{};
  const MutableBytes bytes(state);
  write_le(bytes, 0, disk_size);
  write_le(bytes, 8, low_);
  write_le(bytes, 16, high_);
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(state.data(), state.size()));
  std::array<std::byte, 16> result{};
  std::memcpy(result.data(), canonical.digest, result.size());
  return result;
}

}  // namespace kiln
