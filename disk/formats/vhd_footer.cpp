#include "disk/formats/vhd_footer.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace kiln {
namespace {

// Offsets and values: Microsoft's "Virtual Hard Disk Image Format Specification", Hard Disk Footer
// Format. All integers are big-endian.
constexpr std::string_view kCookie = "conectix";
constexpr std::uint32_t kFeatures = 0x00000002;  ///< the reserved bit, which is always set
constexpr std::uint32_t kVersion = 0x00010000;
constexpr std::uint64_t kSector = 512;

enum Offset : std::size_t {
  kCookieAt = 0,
  kFeaturesAt = 8,
  kVersionAt = 12,
  kDataOffsetAt = 16,
  kTimestampAt = 24,
  kCreatorApplicationAt = 28,
  kCreatorVersionAt = 32,
  kCreatorHostOsAt = 36,
  kOriginalSizeAt = 40,
  kCurrentSizeAt = 48,
  kCylindersAt = 56,
  kHeadsAt = 58,
  kSectorsAt = 59,
  kTypeAt = 60,
  kChecksumAt = 64,
  kUniqueIdAt = 68,
};

Error not_a_footer(std::string message) {
  return {ErrorKind::kCorruptImage, "Disk:BadVhdFooter", std::move(message)};
}

std::array<char, 4> text4(Bytes bytes, std::size_t offset) {
  std::array<char, 4> text{};
  std::memcpy(text.data(), bytes.data() + offset, text.size());
  return text;
}

}  // namespace

std::uint32_t vhd_checksum(Bytes bytes, std::size_t checksum_offset) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const bool in_checksum = i >= checksum_offset && i < checksum_offset + sizeof(std::uint32_t);
    if (!in_checksum) sum += std::to_integer<std::uint32_t>(bytes[i]);
  }
  return ~sum;
}

VhdGeometry vhd_geometry(std::uint64_t size_bytes) {
  constexpr std::uint64_t kMostCylinders = 65535;
  const std::uint64_t sectors = std::min(size_bytes / kSector, kMostCylinders * 16 * 255);
  std::uint64_t sectors_per_track = 255;
  std::uint64_t heads = 16;
  std::uint64_t cylinders_times_heads = sectors / sectors_per_track;
  if (sectors < kMostCylinders * 16 * 63) {
    sectors_per_track = 17;
    cylinders_times_heads = sectors / sectors_per_track;
    heads = std::max<std::uint64_t>(4, (cylinders_times_heads + 1023) / 1024);
    if (cylinders_times_heads >= heads * 1024 || heads > 16) {
      sectors_per_track = 31;
      heads = 16;
      cylinders_times_heads = sectors / sectors_per_track;
    }
    if (cylinders_times_heads >= heads * 1024) {
      sectors_per_track = 63;
      heads = 16;
      cylinders_times_heads = sectors / sectors_per_track;
    }
  }
  return {static_cast<std::uint16_t>(cylinders_times_heads / heads),
          static_cast<std::uint8_t>(heads),
          static_cast<std::uint8_t>(sectors_per_track)};
}

Result<VhdFooter> parse_vhd_footer(Bytes bytes) {
  if (bytes.size() != kVhdFooterSize) {
    return not_a_footer(
        fmt::format("a VHD footer has {} bytes, not {}", kVhdFooterSize, bytes.size()));
  }
  if (std::memcmp(bytes.data(), kCookie.data(), kCookie.size()) != 0) {
    return not_a_footer("the VHD footer does not begin with `conectix`");
  }
  const auto version = read_be<std::uint32_t>(bytes, kVersionAt);
  if (version != kVersion) {
    return not_a_footer(fmt::format("VHD format version {:#010x} is unknown", version));
  }
  const auto type = read_be<std::uint32_t>(bytes, kTypeAt);
  if (type < 2 || type > 4) return not_a_footer(fmt::format("VHD disk type {} is unknown", type));

  VhdFooter footer;
  footer.current_size = read_be<std::uint64_t>(bytes, kCurrentSizeAt);
  footer.original_size = read_be<std::uint64_t>(bytes, kOriginalSizeAt);
  footer.data_offset = read_be<std::uint64_t>(bytes, kDataOffsetAt);
  footer.timestamp = read_be<std::uint32_t>(bytes, kTimestampAt);
  footer.creator_application = text4(bytes, kCreatorApplicationAt);
  footer.creator_version = read_be<std::uint32_t>(bytes, kCreatorVersionAt);
  footer.creator_host_os = text4(bytes, kCreatorHostOsAt);
  footer.geometry = {read_be<std::uint16_t>(bytes, kCylindersAt),
                     read_be<std::uint8_t>(bytes, kHeadsAt),
                     read_be<std::uint8_t>(bytes, kSectorsAt)};
  footer.type = static_cast<VhdType>(type);
  std::ranges::copy(bytes.subspan(kUniqueIdAt, footer.unique_id.size()), footer.unique_id.begin());
  footer.checksum_valid =
      read_be<std::uint32_t>(bytes, kChecksumAt) == vhd_checksum(bytes, kChecksumAt);
  return footer;
}

VhdFooterBytes serialize_vhd_footer(const VhdFooter& footer) {
  VhdFooterBytes bytes{};
  const MutableBytes out(bytes);
  std::memcpy(bytes.data() + kCookieAt, kCookie.data(), kCookie.size());
  write_be(out, kFeaturesAt, kFeatures);
  write_be(out, kVersionAt, kVersion);
  write_be(out, kDataOffsetAt, footer.data_offset);
  write_be(out, kTimestampAt, footer.timestamp);
  std::memcpy(bytes.data() + kCreatorApplicationAt, footer.creator_application.data(), 4);
  write_be(out, kCreatorVersionAt, footer.creator_version);
  std::memcpy(bytes.data() + kCreatorHostOsAt, footer.creator_host_os.data(), 4);
  write_be(out, kOriginalSizeAt, footer.original_size);
  write_be(out, kCurrentSizeAt, footer.current_size);
  write_be(out, kCylindersAt, footer.geometry.cylinders);
  write_be(out, kHeadsAt, footer.geometry.heads);
  write_be(out, kSectorsAt, footer.geometry.sectors_per_track);
  write_be(out, kTypeAt, static_cast<std::uint32_t>(footer.type));
  std::ranges::copy(footer.unique_id, bytes.begin() + kUniqueIdAt);
  write_be(out, kChecksumAt, vhd_checksum(bytes, kChecksumAt));
  return bytes;
}

VhdFooter azure_fixed_footer(std::uint64_t size_bytes, const std::array<std::byte, 16>& content) {
  KILN_CHECK(size_bytes % kMiB == 0);
  VhdFooter footer;
  footer.current_size = size_bytes;
  footer.original_size = size_bytes;
  footer.data_offset = ~std::uint64_t{0};
  // Readers show the time stamp to people, so it stays in the past: 2000 to 2020.
  constexpr std::uint32_t kTwentyYears = 7305U * 86400U;
  footer.timestamp = read_be<std::uint32_t>(content, 12) % kTwentyYears;
  footer.creator_application = {'w', 'i', 'n', ' '};
  footer.creator_version = 0x000A0000;  // what Hyper-V of Windows 10 and Server 2016 on writes
  footer.creator_host_os = {'W', 'i', '2', 'k'};
  footer.geometry = vhd_geometry(size_bytes);
  footer.type = VhdType::kFixed;
  footer.unique_id = content;
  // RFC 9562: version 8, a UUID of one's own making, and the variant bits.
  footer.unique_id[6] = (footer.unique_id[6] & std::byte{0x0F}) | std::byte{0x80};
  footer.unique_id[8] = (footer.unique_id[8] & std::byte{0x3F}) | std::byte{0x80};
  return footer;
}

}  // namespace kiln
