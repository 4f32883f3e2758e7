#include "disk/formats/vhd_dynamic.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "disk/formats/vhd_footer.h"

namespace kiln {
namespace {

constexpr std::string_view kCookie = "conectix";
constexpr std::uint64_t kSector = 512;

// "Dynamic Disk Header Format" of the VHD specification.
constexpr std::uint64_t kHeaderSize = 1024;
constexpr std::uint64_t kFirstHeaderAt = 512;  ///< after the footer's copy
constexpr std::size_t kTableOffsetAt = 16;
constexpr std::size_t kVersionAt = 24;
constexpr std::size_t kTableEntriesAt = 28;
constexpr std::size_t kBlockSizeAt = 32;
constexpr std::size_t kChecksumAt = 36;
constexpr std::uint32_t kVersion = 0x00010000;
constexpr std::uint32_t kHole = 0xFFFFFFFF;

/// Enough for the format's largest disk (2 TiB) in blocks of 512 KiB, the smallest in use.
constexpr std::uint64_t kLargestTable = 16 * kMiB;

struct DynamicHeader {
  std::uint64_t table_offset = 0;
  std::uint64_t table_entries = 0;
  std::uint64_t block_size = 0;  ///< bytes of data, without the sector bitmap
  bool checksum_valid = true;

  /// "Each data block consists of a sector bitmap and data", the bitmap in whole sectors.
  [[nodiscard]] std::uint64_t bitmap_size() const {
    return round_up(block_size / kSector / 8, kSector);
  }
};

bool is_cookie(Bytes bytes) {
  return bytes.size() >= kVhdFooterSize &&
         std::memcmp(bytes.data(), kCookie.data(), kCookie.size()) == 0;
}

bool matches(const HeaderReader& reader) {
  constexpr std::size_t kTypeAt = 60;
  if (is_cookie(reader.head())) return true;
  if (!is_cookie(reader.tail())) return false;
  const auto type = static_cast<VhdType>(read_be<std::uint32_t>(reader.tail(), kTypeAt));
  return type == VhdType::kDynamic || type == VhdType::kDifferencing;
}

Result<VhdFooter> parse_at(const HeaderReader& reader, Bytes bytes, std::uint64_t offset) {
  auto footer = parse_vhd_footer(bytes);
  if (footer) return *std::move(footer);
  return reader.damaged(offset, footer.error().code(), footer.error().message());
}

/// The footer at the end, which must agree with its copy at the beginning.
Result<VhdFooter> read_footers(const HeaderReader& reader) {
  const std::uint64_t footer_at = reader.size() - std::min(reader.size(), kSector);
  if (!is_cookie(reader.tail())) {
    return reader
        .damaged(footer_at,
                 "Disk:TruncatedImage",
                 "the file begins as a dynamic VHD, but has no VHD footer at its end: it is cut "
                 "short or has something appended")
        .cure("copy or download the image again and compare its checksum");
  }
  KILN_TRY_ASSIGN(auto footer, parse_at(reader, reader.tail(), footer_at));
  KILN_TRY_ASSIGN(const auto copy, parse_at(reader, reader.head().first(kVhdFooterSize), 0));
  if (footer.type == VhdType::kDifferencing || copy.type == VhdType::kDifferencing) {
    return reader.refused("Disk:DifferencingVhd",
                          "the VHD is a differencing disk, whose contents are in a parent file",
                          "merge it into its parent (Hyper-V: Merge-VHD) and use the result");
  }
  if (copy.type != footer.type || copy.current_size != footer.current_size ||
      copy.data_offset != footer.data_offset) {
    return reader.damaged(
        0, "Disk:CorruptVhd", "the dynamic VHD's two footers contradict each other");
  }
  footer.checksum_valid = footer.checksum_valid && copy.checksum_valid;
  return footer;
}

Result<DynamicHeader> read_header(const HeaderReader& reader, const VhdFooter& footer) {
  const auto at = footer.data_offset;
  KILN_TRY_ASSIGN(const auto bytes, reader.read(at, kHeaderSize, "the dynamic VHD header"));
  constexpr std::string_view kHeaderCookie = "cxsparse";
  if (std::memcmp(bytes.data(), kHeaderCookie.data(), kHeaderCookie.size()) != 0 ||
      read_be<std::uint32_t>(bytes, kVersionAt) != kVersion) {
    return reader.damaged(at,
                          "Disk:CorruptVhd",
                          "there is no dynamic VHD header (`cxsparse`, version 1.0) where the "
                          "footer says");
  }
  DynamicHeader header;
  header.table_offset = read_be<std::uint64_t>(bytes, kTableOffsetAt);
  header.table_entries = read_be<std::uint32_t>(bytes, kTableEntriesAt);
  header.block_size = read_be<std::uint32_t>(bytes, kBlockSizeAt);
  header.checksum_valid =
      read_be<std::uint32_t>(bytes, kChecksumAt) == vhd_checksum(bytes, kChecksumAt);
  // In blocks of less than eight sectors the bitmap would be less than a byte, on which readers
  // differ.
  if (header.block_size < 8 * kSector || !std::has_single_bit(header.block_size)) {
    return reader.damaged(
        at + kBlockSizeAt,
        "Disk:CorruptVhd",
        fmt::format("a block size of {} bytes is not possible: it must be a power of two of at "
                    "least 4096",
                    header.block_size));
  }
  const auto needed = round_up(footer.current_size, header.block_size) / header.block_size;
  if (header.table_entries < needed) {
    return reader.damaged(
        at + kTableEntriesAt,
        "Disk:CorruptVhd",
        fmt::format("the block allocation table has {} entries, but the disk has {} blocks",
                    header.table_entries,
                    needed));
  }
  if (needed * sizeof(std::uint32_t) > kLargestTable) {
    return reader.refused("Disk:TableTooLarge",
                          fmt::format("the block allocation table has {} entries", needed),
                          "convert the image to a larger block size or to another format");
  }
  header.table_entries = needed;
  return header;
}

/// Every block lies inside of the file, after the headers, and none overlaps another.
Result<void> check_blocks(const HeaderReader& reader,
                          const VhdFooter& footer,
                          const DynamicHeader& header) {
  KILN_TRY_ASSIGN(const auto table,
                  reader.read(header.table_offset,
                              header.table_entries * sizeof(std::uint32_t),
                              "the block allocation table"));
  struct Block {
    std::uint32_t sector;
    std::uint32_t index;
  };
  std::vector<Block> blocks;
  for (std::uint32_t i = 0; i < header.table_entries; ++i) {
    const auto sector = read_be<std::uint32_t>(table, std::size_t{i} * sizeof(std::uint32_t));
    if (sector != kHole) blocks.push_back({sector, i});
  }
  std::ranges::sort(blocks, {}, &Block::sector);
  std::uint64_t free_from = 0;
  for (const auto& block : blocks) {
    const auto entry_at = header.table_offset + std::uint64_t{block.index} * sizeof(std::uint32_t);
    const auto offset = std::uint64_t{block.sector} * kSector;
    const auto used =
        std::min(header.block_size, footer.current_size - block.index * header.block_size);
    if (offset + header.bitmap_size() + used > reader.size()) {
      return reader.damaged(
          entry_at,
          "Disk:CorruptVhd",
          fmt::format(
              "block {} is said to be at byte {}, outside of the file", block.index, offset));
    }
    if (offset < free_from) {
      return reader.damaged(
          entry_at,
          "Disk:CorruptVhd",
          fmt::format("block {} overlaps another block at byte {}", block.index, offset));
    }
    free_from = offset + header.bitmap_size() + header.block_size;
  }
  const auto within_headers = [&](std::uint64_t from, std::uint64_t length) {
    return std::ranges::any_of(blocks, [&](const Block& block) {
      const auto offset = std::uint64_t{block.sector} * kSector;
      return offset < from + length && from < offset + header.bitmap_size() + header.block_size;
    });
  };
  if (within_headers(0, kSector) || within_headers(footer.data_offset, kHeaderSize) ||
      within_headers(header.table_offset, table.size())) {
    return reader.damaged(
        header.table_offset, "Disk:CorruptVhd", "a block of data overlaps the VHD's own headers");
  }
  return {};
}

Result<ImageHeader> read(const HeaderReader& reader) {
  KILN_TRY_ASSIGN(const auto footer, read_footers(reader));
  const auto footer_at = reader.size() - kVhdFooterSize;
  constexpr std::uint64_t kCurrentSizeAt = 48;
  KILN_TRY(check_virtual_size(reader, footer.current_size, footer_at + kCurrentSizeAt));
  if (footer.data_offset < kFirstHeaderAt) {
    return reader.damaged(
        footer_at, "Disk:CorruptVhd", "the dynamic VHD header overlaps the footer's copy");
  }
  KILN_TRY_ASSIGN(const auto header, read_header(reader, footer));
  KILN_TRY(check_regions(reader,
                         "Disk:CorruptVhd",
                         {{"the footer's copy", 0, kVhdFooterSize},
                          {"the dynamic VHD header", footer.data_offset, kHeaderSize},
                          {"the block allocation table",
                           header.table_offset,
                           header.table_entries * sizeof(std::uint32_t)},
                          {"the footer", footer_at, kVhdFooterSize}}));
  KILN_TRY(check_blocks(reader, footer, header));
  if (!footer.checksum_valid) {
    // Here qemu would refuse it too, without saying where.
    return reader.damaged(footer_at, "Disk:CorruptVhd", "a VHD footer's checksum is wrong");
  }
  ImageHeader result{footer.current_size, {}};
  if (!header.checksum_valid) {
    result.warnings.emplace_back("the dynamic VHD header's checksum is wrong");
  }
  return result;
}

nlohmann::json options(std::uint64_t /*virtual_size*/) {
  // Without force_size_calc qemu up to 9 takes the size of a disk exported by Azure (creator
  // `wa\0\0`) from the geometry and cuts its end off.
  return {{"force_size_calc", "current_size"}};
}

}  // namespace

ImageFormat dynamic_vhd_format() {
  return {DiskFormat::kDynamicVhd, "vhd-dynamic", "vpc", matches, read, options};
}

}  // namespace kiln
