#include "disk/formats/vhdx.h"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <string_view>

#include "disk/formats/crc32c.h"
#include "disk/formats/vhdx_blocks.h"

namespace kiln {
namespace {

using namespace std::string_view_literals;

// Layout: [MS-VHDX]. All integers are little-endian.
constexpr auto kFileMagic = "vhdxfile"sv;
constexpr std::array<std::uint64_t, 2> kHeadersAt = {64 * kKiB, 128 * kKiB};
constexpr std::uint64_t kHeaderSize = 4 * kKiB;
constexpr std::array<std::uint64_t, 2> kRegionTablesAt = {192 * kKiB, 256 * kKiB};
constexpr std::uint64_t kRegionTableSize = 64 * kKiB;
constexpr std::uint64_t kMetadataTableSize = 64 * kKiB;
constexpr std::uint32_t kMostEntries = 2047;  ///< of a region or metadata table

using Guid = std::array<std::byte, 16>;

/// The text form has its first three groups in the other byte order than the file.
constexpr Guid guid(std::string_view text) {
  constexpr std::array<std::size_t, 16> kOrder = {
      3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
  Guid result{};
  std::size_t digit = 0;
  for (const char c : text) {
    if (c == '-') continue;
    const auto value = static_cast<std::byte>(c <= '9' ? c - '0' : c - 'a' + 10);
    auto& byte = result[kOrder[digit / 2]];
    byte = (byte << 4) | value;
    ++digit;
  }
  return result;
}

constexpr Guid kBatRegion = guid("2dc27766-f623-4200-9d64-115e9bfd4a08");
constexpr Guid kMetadataRegion = guid("8b7ca206-4790-4b9a-b8fe-575f050f886e");
constexpr Guid kFileParameters = guid("caa16737-fa36-4d43-b3b6-33f0aa44e76b");
constexpr Guid kVirtualDiskSize = guid("2fa54224-cd1b-4876-b211-5dbed83bf4b8");
constexpr Guid kVirtualDiskId = guid("beca12ab-b2e6-4523-93ef-c309e000c746");
constexpr Guid kLogicalSectorSize = guid("8141bf1d-a96f-4709-ba47-f233a8faab5f");
constexpr Guid kPhysicalSectorSize = guid("cda348c7-445d-4471-9cc9-e9885251c556");
constexpr Guid kParentLocator = guid("a8d35f2d-b30b-454d-abf7-d3d84834ab0c");

Guid read_guid(Bytes bytes, std::size_t offset) {
  Guid result{};
  std::ranges::copy(bytes.subspan(offset, result.size()), result.begin());
  return result;
}

struct Region {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

struct Metadata {
  std::uint64_t block_size = 0;
  std::uint64_t virtual_size = 0;
};

bool matches(const HeaderReader& reader) {
  return reader.head_has(0, kFileMagic);
}

Error corrupt(const HeaderReader& reader, std::uint64_t offset, std::string message) {
  return reader.damaged(offset, "Disk:CorruptVhdx", std::move(message));
}

Error unsupported(const HeaderReader& reader, std::string message) {
  return reader.refused("Disk:UnsupportedVhdx",
                        std::move(message),
                        "convert it to a fixed VHD on its host (Hyper-V: Convert-VHD)");
}

bool has_signature(Bytes bytes, std::string_view signature) {
  return std::equal(signature.begin(), signature.end(), bytes.begin(), [](char a, std::byte b) {
    return static_cast<std::byte>(a) == b;
  });
}

/// A structure with its signature and a CRC-32C over all of it, at byte 4 and taken as zero.
bool is_intact(std::vector<std::byte> bytes, std::string_view signature) {
  constexpr std::size_t kChecksumAt = 4;
  if (!has_signature(bytes, signature)) return false;
  const auto expected = read_le<std::uint32_t>(bytes, kChecksumAt);
  write_le(MutableBytes(bytes), kChecksumAt, std::uint32_t{0});
  return crc32c(bytes) == expected;
}

/// The current header is the intact one with the higher sequence number.
Result<std::vector<std::byte>> read_header(const HeaderReader& reader) {
  constexpr std::size_t kSequenceAt = 8;
  std::vector<std::byte> current;
  for (const auto at : kHeadersAt) {
    KILN_TRY_ASSIGN(auto header, reader.read(at, kHeaderSize, "a VHDX header"));
    if (!is_intact(header, "head")) continue;
    if (current.empty() || read_le<std::uint64_t>(header, kSequenceAt) >
                               read_le<std::uint64_t>(current, kSequenceAt)) {
      current = std::move(header);
    }
  }
  if (current.empty()) {
    return corrupt(reader, kHeadersAt.front(), "neither of the two VHDX headers is intact");
  }
  return current;
}

Result<Region> check_header(const HeaderReader& reader) {
  constexpr std::size_t kLogGuidAt = 48;
  constexpr std::size_t kLogVersionAt = 64;
  constexpr std::size_t kVersionAt = 66;
  constexpr std::size_t kLogLengthAt = 68;
  constexpr std::size_t kLogOffsetAt = 72;
  KILN_TRY_ASSIGN(const auto header, read_header(reader));
  if (read_le<std::uint16_t>(header, kVersionAt) != 1 ||
      read_le<std::uint16_t>(header, kLogVersionAt) != 0) {
    return unsupported(reader, "the VHDX has an unknown version");
  }
  if (read_guid(header, kLogGuidAt) != Guid{}) {
    return reader.refused(
        "Disk:DirtyVhdx",
        "the VHDX was not closed: its log holds changes that are not yet in place",
        "close it cleanly on its host, or replay the log into a copy: qemu-img "
        "check -f vhdx -r all");
  }
  return Region{read_le<std::uint64_t>(header, kLogOffsetAt),
                read_le<std::uint32_t>(header, kLogLengthAt)};
}

struct Regions {
  Region bat;
  Region metadata;
};

Result<std::vector<std::byte>> read_region_table(const HeaderReader& reader) {
  for (const auto at : kRegionTablesAt) {
    KILN_TRY_ASSIGN(auto table, reader.read(at, kRegionTableSize, "a VHDX region table"));
    if (is_intact(table, "regi")) return table;
  }
  return corrupt(
      reader, kRegionTablesAt.front(), "neither of the two VHDX region tables is intact");
}

Result<Regions> read_regions(const HeaderReader& reader, const Region& log) {
  constexpr std::size_t kFirstEntryAt = 16;
  constexpr std::size_t kEntrySize = 32;
  KILN_TRY_ASSIGN(const auto table, read_region_table(reader));
  const auto count = read_le<std::uint32_t>(table, 8);
  if (count > kMostEntries) {
    return corrupt(reader, kRegionTablesAt.front(), "the VHDX region table has too many entries");
  }
  std::optional<Region> bat;
  std::optional<Region> metadata;
  std::vector<HeaderRegion> all = {{"the VHDX header section", 0, kMiB},
                                   {"the VHDX log", log.offset, log.length}};
  for (std::size_t i = 0; i < count; ++i) {
    const auto at = kFirstEntryAt + i * kEntrySize;
    const auto id = read_guid(table, at);
    const Region region{read_le<std::uint64_t>(table, at + 16),
                        read_le<std::uint32_t>(table, at + 24)};
    const bool required = (read_le<std::uint32_t>(table, at + 28) & 1U) != 0;
    auto* known = id == kBatRegion ? &bat : id == kMetadataRegion ? &metadata : nullptr;
    if (known == nullptr && required) {
      return unsupported(reader, "the VHDX has a required region of an unknown kind");
    }
    if (region.offset % kMiB != 0 || region.length % kMiB != 0 || region.length == 0) {
      return corrupt(reader, kRegionTablesAt.front() + at, "a VHDX region is not whole MiB");
    }
    if (known != nullptr && known->has_value()) {
      return corrupt(reader, kRegionTablesAt.front() + at, "a VHDX region is listed twice");
    }
    if (known != nullptr) *known = region;
    all.push_back({"a VHDX region", region.offset, region.length});
  }
  if (!bat || !metadata) {
    return corrupt(reader,
                   kRegionTablesAt.front(),
                   "the VHDX region table lacks the block allocation table or the metadata");
  }
  KILN_TRY(check_regions(reader, "Disk:CorruptVhdx", std::move(all)));
  return Regions{*bat, *metadata};
}

/// Finds the items of the metadata region; the caller checks their values.
class MetadataTable {
 public:
  static Result<MetadataTable> read(const HeaderReader& reader, const Region& region) {
    KILN_TRY_ASSIGN(auto bytes,
                    reader.read(region.offset, kMetadataTableSize, "the VHDX metadata table"));
    MetadataTable table(reader, region, std::move(bytes));
    if (!has_signature(table.bytes_, "metadata") ||
        read_le<std::uint16_t>(table.bytes_, 10) > kMostEntries) {
      return corrupt(reader, region.offset, "the VHDX metadata table is damaged");
    }
    KILN_TRY(table.refuse_unknown());
    return table;
  }

  /// The first `length` bytes of an item.
  [[nodiscard]] Result<std::vector<std::byte>> item(const Guid& id,
                                                    std::uint64_t length,
                                                    std::string_view what) const {
    const auto entry = find(id);
    if (!entry) {
      return corrupt(*reader_, region_.offset, fmt::format("the VHDX metadata lacks {}", what));
    }
    const std::uint64_t offset = read_le<std::uint32_t>(bytes_, *entry + 16);
    if (read_le<std::uint32_t>(bytes_, *entry + 20) < length || offset < kMetadataTableSize ||
        offset > region_.length || length > region_.length - offset) {
      return corrupt(*reader_,
                     region_.offset + *entry,
                     fmt::format("{} lies outside of the VHDX metadata region", what));
    }
    return reader_->read(region_.offset + offset, length, what);
  }

 private:
  MetadataTable(const HeaderReader& reader, const Region& region, std::vector<std::byte> bytes)
      : reader_(&reader), region_(region), bytes_(std::move(bytes)) {}

  static std::size_t entry_at(std::size_t index) { return 32 + index * 32; }
  [[nodiscard]] std::size_t count() const { return read_le<std::uint16_t>(bytes_, 10); }

  [[nodiscard]] std::optional<std::size_t> find(const Guid& id) const {
    for (std::size_t i = 0; i < count(); ++i) {
      if (read_guid(bytes_, entry_at(i)) == id) return entry_at(i);
    }
    return std::nullopt;
  }

  [[nodiscard]] Result<void> refuse_unknown() const {
    constexpr std::uint32_t kRequired = 1U << 2U;
    constexpr std::array kKnown = {
        kFileParameters, kVirtualDiskSize, kVirtualDiskId, kLogicalSectorSize, kPhysicalSectorSize};
    if (find(kParentLocator)) return vhdx_has_parent(*reader_);
    for (std::size_t i = 0; i < count(); ++i) {
      const auto at = entry_at(i);
      const bool required = (read_le<std::uint32_t>(bytes_, at + 24) & kRequired) != 0;
      if (required && std::ranges::find(kKnown, read_guid(bytes_, at)) == kKnown.end()) {
        return unsupported(*reader_, "the VHDX has required metadata of an unknown kind");
      }
    }
    return {};
  }

  const HeaderReader* reader_;
  Region region_;
  std::vector<std::byte> bytes_;
};

Result<Metadata> read_metadata(const HeaderReader& reader, const Region& region) {
  constexpr std::uint32_t kHasParent = 1U << 1U;
  KILN_TRY_ASSIGN(const auto table, MetadataTable::read(reader, region));
  KILN_TRY_ASSIGN(const auto parameters, table.item(kFileParameters, 8, "the file parameters"));
  KILN_TRY_ASSIGN(const auto size, table.item(kVirtualDiskSize, 8, "the virtual disk size"));
  KILN_TRY_ASSIGN(const auto sector, table.item(kLogicalSectorSize, 4, "the sector size"));
  if ((read_le<std::uint32_t>(parameters, 4) & kHasParent) != 0) return vhdx_has_parent(reader);
  Metadata metadata{read_le<std::uint32_t>(parameters, 0), read_le<std::uint64_t>(size, 0)};
  if (metadata.block_size < kMiB || metadata.block_size > 256 * kMiB ||
      !std::has_single_bit(metadata.block_size)) {
    return corrupt(
        reader,
        region.offset,
        fmt::format("a VHDX block size of {} bytes is not possible", metadata.block_size));
  }
  if (const auto bytes = read_le<std::uint32_t>(sector, 0); bytes != 512) {
    return unsupported(reader,
                       fmt::format("the VHDX has sectors of {} bytes; Azure boots from sectors of "
                                   "512 bytes only",
                                   bytes));
  }
  KILN_TRY(check_virtual_size(reader, metadata.virtual_size, region.offset));
  return metadata;
}

Result<ImageHeader> read(const HeaderReader& reader) {
  KILN_TRY_ASSIGN(const auto log, check_header(reader));
  KILN_TRY_ASSIGN(const auto regions, read_regions(reader, log));
  KILN_TRY_ASSIGN(const auto metadata, read_metadata(reader, regions.metadata));
  KILN_TRY(check_vhdx_blocks(
      reader, regions.bat.offset, regions.bat.length, metadata.block_size, metadata.virtual_size));
  return ImageHeader{metadata.virtual_size, {}};
}

nlohmann::json options(std::uint64_t /*virtual_size*/) {
  return nlohmann::json::object();
}

}  // namespace

ImageFormat vhdx_format() {
  return {DiskFormat::kVhdx, "vhdx", "vhdx", matches, read, options};
}

}  // namespace kiln
