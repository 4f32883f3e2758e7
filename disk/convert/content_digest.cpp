#include "disk/convert/content_digest.h"

#include <algorithm>
#include <cstring>

#include <xxhash.h>

#include "disk/extents/zero.h"
#include "engine/core/c_handle.h"
#include "engine/core/result.h"

namespace kiln {
namespace {

constexpr std::array<std::byte, ContentDigest::kGranule> kZeros{};

}  // namespace

struct ContentDigest::State {
  CHandle<XXH3_state_t, XXH3_freeState> hash{XXH3_createState()};

  void update(Bytes bytes) { XXH3_128bits_update(hash.get(), bytes.data(), bytes.size()); }
  void update_number(std::uint64_t number) {
    std::array<std::byte, sizeof number> bytes{};
    write_le(MutableBytes(bytes), 0, number);
    update(bytes);
  }
};

ContentDigest::ContentDigest() : state_(std::make_unique<State>()) {
  KILN_CHECK(state_->hash != nullptr);
  XXH3_128bits_reset(state_->hash.get());
}

ContentDigest::~ContentDigest() = default;
ContentDigest::ContentDigest(ContentDigest&&) noexcept = default;

void ContentDigest::add(std::uint64_t offset, Bytes data) {
  KILN_CHECK(offset % kGranule == 0);
  while (!data.empty()) {
    const auto granule = data.first(std::min<std::size_t>(data.size(), kGranule));
    if (!is_zero(granule)) {
      state_->update_number(offset);
      state_->update(granule);
      // A disk's end may cut its last granule; rounding the disk up must not change the digest.
      state_->update(Bytes(kZeros).first(kGranule - granule.size()));
    }
    offset += granule.size();
    data = data.subspan(granule.size());
  }
}

std::array<std::byte, 16> ContentDigest::finish(std::uint64_t disk_size) {
  state_->update_number(disk_size);
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_->hash.get()));
  std::array<std::byte, 16> result{};
  std::memcpy(result.data(), canonical.digest, result.size());
  return result;
}

}  // namespace kiln
