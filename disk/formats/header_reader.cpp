#include "disk/formats/header_reader.h"

#include <algorithm>
#include <cstring>

#include "engine/core/file.h"

namespace kiln {
namespace {

constexpr std::uint64_t kHeadSize = 36 * kKiB;  ///< past an ISO 9660 volume descriptor's magic
constexpr std::uint64_t kTailSize = 512;        ///< a VHD footer
constexpr std::uint64_t kLargestRead = 64 * kMiB;
constexpr std::uint64_t kLargestDisk = 64 * kTiB;

}  // namespace

Result<HeaderReader> HeaderReader::of_file(UniqueFd file, std::uint64_t size, std::string name) {
  HeaderReader reader(size, std::move(name));
  reader.file_ = std::move(file);
  KILN_TRY(reader.load_ends());
  return reader;
}

HeaderReader HeaderReader::of_bytes(Bytes bytes, std::string name) {
  HeaderReader reader(bytes.size(), std::move(name));
  reader.bytes_ = bytes;
  KILN_CHECK(reader.load_ends().has_value());
  return reader;
}

Result<void> HeaderReader::load_ends() {
  head_.resize(std::min(size_, kHeadSize));
  tail_.resize(std::min(size_, kTailSize));
  KILN_TRY(fill(head_, 0));
  return fill(tail_, size_ - tail_.size());
}

Result<void> HeaderReader::fill(MutableBytes buffer, std::uint64_t offset) const {
  if (file_) return pread_exactly(file_.get(), buffer, offset, name_);
  std::ranges::copy(bytes_.subspan(offset, buffer.size()), buffer.begin());
  return {};
}

bool HeaderReader::head_has(std::size_t offset, std::string_view magic) const {
  return head_.size() >= offset + magic.size() &&
         std::memcmp(head_.data() + offset, magic.data(), magic.size()) == 0;
}

Result<std::vector<std::byte>> HeaderReader::read(std::uint64_t offset,
                                                  std::uint64_t length,
                                                  std::string_view what) const {
  KILN_CHECK(length <= kLargestRead);
  if (offset > size_ || length > size_ - offset) {
    return damaged(offset,
                   "Disk:TruncatedImage",
                   fmt::format("the file ends at byte {}, but {} needs {} bytes at byte {}",
                               size_,
                               what,
                               length,
                               offset))
        .cure("copy or download the image again and compare its checksum");
  }
  std::vector<std::byte> bytes(length);
  KILN_TRY(fill(bytes, offset));
  return bytes;
}

Error HeaderReader::damaged(std::uint64_t offset, std::string code, std::string message) const {
  return Error(ErrorKind::kCorruptImage, std::move(code), std::move(message))
      .at(fmt::format("{} at byte {}", name_, offset));
}

Error HeaderReader::refused(std::string code, std::string message, std::string cure) const {
  return Error(ErrorKind::kUnsupported, std::move(code), std::move(message))
      .at(name_)
      .cure(std::move(cure));
}

Result<void> check_regions(const HeaderReader& reader,
                           std::string_view code,
                           std::vector<HeaderRegion> regions) {
  std::ranges::sort(regions, {}, &HeaderRegion::offset);
  const HeaderRegion* previous = nullptr;
  for (const auto& region : regions) {
    if (region.offset > reader.size() || region.length > reader.size() - region.offset) {
      return reader.damaged(region.offset,
                            std::string(code),
                            fmt::format("{} ({} bytes at byte {}) lies outside of the file, which "
                                        "has {} bytes",
                                        region.what,
                                        region.length,
                                        region.offset,
                                        reader.size()));
    }
    if (region.length == 0) continue;
    if (previous != nullptr && region.offset - previous->offset < previous->length) {
      return reader.damaged(
          region.offset,
          std::string(code),
          fmt::format("{} and {} overlap at byte {}", previous->what, region.what, region.offset));
    }
    previous = &region;
  }
  return {};
}

Result<void> check_virtual_size(const HeaderReader& reader,
                                std::uint64_t size_bytes,
                                std::uint64_t field_offset) {
  constexpr std::uint64_t kSector = 512;
  if (size_bytes != 0 && size_bytes % kSector == 0 && size_bytes <= kLargestDisk) return {};
  return reader.damaged(
      field_offset,
      "Disk:ImpossibleSize",
      fmt::format("a virtual size of {} bytes is not possible: it must be a multiple of 512, more "
                  "than 0 and at most 64 TiB",
                  size_bytes));
}

}  // namespace kiln
