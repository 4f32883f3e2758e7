#include "disk/formats/vhdx_blocks.h"

#include <algorithm>

namespace kiln {
namespace {

Error corrupt(const HeaderReader& reader, std::uint64_t offset, std::string message) {
  return reader.damaged(offset, "Disk:CorruptVhdx", std::move(message));
}

/// The table may have up to 64 Mi entries, so it is read in pieces and uses are kept as one bit per
/// MiB.
class BatChecker {
 public:
  BatChecker(const HeaderReader& reader, std::uint64_t block_size, std::uint64_t virtual_size)
      : reader_(reader),
        block_size_(block_size),
        virtual_size_(virtual_size),
        used_(reader.size() / kMiB + 1) {}

  Result<void> check(std::uint64_t bat_offset, std::uint64_t bat_length) {
    constexpr std::uint64_t kSectorsPerBitmap = 1U << 23U;
    const auto payloads = (virtual_size_ + block_size_ - 1) / block_size_;
    const auto ratio = kSectorsPerBitmap * 512 / block_size_;
    const auto entries = payloads + (payloads - 1) / ratio;
    if (entries * sizeof(std::uint64_t) > bat_length) {
      return corrupt(
          reader_,
          bat_offset,
          fmt::format("the VHDX block allocation table has no room for {} entries", entries));
    }
    constexpr std::uint64_t kPiece = 8192;
    for (std::uint64_t first = 0; first < entries; first += kPiece) {
      const auto count = std::min(kPiece, entries - first);
      KILN_TRY_ASSIGN(const auto piece,
                      reader_.read(bat_offset + first * sizeof(std::uint64_t),
                                   count * sizeof(std::uint64_t),
                                   "the VHDX block allocation table"));
      for (std::uint64_t i = 0; i < count; ++i) {
        const auto index = first + i;
        if (index % (ratio + 1) == ratio) continue;  // a sector bitmap, for differencing disks
        const auto block = index - index / (ratio + 1);
        KILN_TRY(check_entry(block,
                             read_le<std::uint64_t>(piece, i * sizeof(std::uint64_t)),
                             bat_offset + index * sizeof(std::uint64_t)));
      }
    }
    return {};
  }

 private:
  Result<void> check_entry(std::uint64_t block, std::uint64_t entry, std::uint64_t at) {
    enum State : std::uint64_t { kFullyPresent = 6, kPartiallyPresent = 7 };
    const auto state = entry & 7U;
    if (state == kPartiallyPresent) return vhdx_has_parent(reader_);
    if (state != kFullyPresent) return {};
    const auto first_mib = entry >> 20U;
    const auto used = std::min(block_size_, virtual_size_ - block * block_size_);
    const auto used_mib = (used + kMiB - 1) / kMiB;
    if (first_mib == 0 || first_mib > reader_.size() / kMiB ||
        used > reader_.size() - first_mib * kMiB) {
      return corrupt(
          reader_,
          at,
          fmt::format(
              "VHDX block {} is said to be at {} MiB, outside of the file", block, first_mib));
    }
    for (auto mib = first_mib; mib < first_mib + used_mib; ++mib) {
      if (used_[mib]) {
        return corrupt(
            reader_, at, fmt::format("VHDX block {} overlaps another one at {} MiB", block, mib));
      }
      used_[mib] = true;
    }
    return {};
  }

  const HeaderReader& reader_;
  std::uint64_t block_size_;
  std::uint64_t virtual_size_;
  std::vector<bool> used_;
};

}  // namespace

Result<void> check_vhdx_blocks(const HeaderReader& reader,
                               std::uint64_t bat_offset,
                               std::uint64_t bat_length,
                               std::uint64_t block_size,
                               std::uint64_t virtual_size) {
  return BatChecker(reader, block_size, virtual_size).check(bat_offset, bat_length);
}

Error vhdx_has_parent(const HeaderReader& reader) {
  return reader.refused("Disk:DifferencingVhdx",
                        "the VHDX is a differencing disk, whose contents are in a parent file",
                        "merge it into its parent (Hyper-V: Merge-VHD) and use the result");
}

}  // namespace kiln
