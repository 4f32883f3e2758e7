#include "disk/formats/qcow2.h"

#include <algorithm>
#include <string_view>

namespace kiln {
namespace {

using namespace std::string_view_literals;

// Layout: QEMU's docs/interop/qcow2.txt. All integers are big-endian.
constexpr auto kMagic = "QFI\xfb"sv;
constexpr std::size_t kV2HeaderSize = 72;
constexpr std::size_t kV3HeaderSize = 104;

enum Offset : std::size_t {
  kVersionAt = 4,
  kBackingOffsetAt = 8,
  kClusterBitsAt = 20,
  kSizeAt = 24,
  kCryptAt = 32,
  kL1EntriesAt = 36,
  kL1OffsetAt = 40,
  kRefcountOffsetAt = 48,
  kRefcountClustersAt = 56,
  kSnapshotsAt = 60,
  kSnapshotsOffsetAt = 64,
  kIncompatibleAt = 72,
  kRefcountOrderAt = 96,
  kHeaderLengthAt = 100,
  kCompressionAt = 104,
};

enum IncompatibleFeature : std::uint64_t {
  kDirty = 1U << 0U,
  kCorrupt = 1U << 1U,
  kExternalDataFile = 1U << 2U,
  kCompressionType = 1U << 3U,
  kExtendedL2 = 1U << 4U,
};
constexpr std::uint64_t kKnownFeatures =
    kDirty | kCorrupt | kExternalDataFile | kCompressionType | kExtendedL2;

enum Extension : std::uint32_t {
  kEndOfExtensions = 0,
  kCryptoHeader = 0x0537be77,
  kDataFileName = 0x44415441,
};

// QEMU's own limits (block/qcow2.h): QCOW_MAX_L1_SIZE, QCOW_MAX_REFTABLE_SIZE, QCOW_MAX_SNAPSHOTS.
constexpr std::uint64_t kLargestL1 = 32 * kMiB;
constexpr std::uint64_t kLargestRefcountTable = 8 * kMiB;
constexpr std::uint32_t kMostSnapshots = 65536;

struct Qcow2Header {
  std::uint32_t version = 0;
  std::uint64_t length = kV2HeaderSize;
  std::uint64_t cluster_size = 0;
  std::uint64_t virtual_size = 0;
  std::uint64_t l1_offset = 0;
  std::uint64_t l1_entries = 0;
  std::uint64_t refcount_offset = 0;
  std::uint64_t refcount_length = 0;
  std::uint32_t snapshots = 0;
  std::uint64_t snapshots_offset = 0;
  std::uint64_t features = 0;
};

bool matches(const HeaderReader& reader) {
  return reader.head_has(0, kMagic);
}

Error corrupt(const HeaderReader& reader, std::uint64_t offset, std::string message) {
  return reader.damaged(offset, "Disk:CorruptQcow2", std::move(message));
}

Error unsupported(const HeaderReader& reader, std::string message) {
  return reader.refused("Disk:UnsupportedQcow2",
                        std::move(message),
                        "convert it with the qemu-img that made it: qemu-img convert -f qcow2 -O "
                        "qcow2 -o compat=1.1");
}

/// A reference in an untrusted image makes the host read whatever file it names.
Error external_data(const HeaderReader& reader) {
  return reader.refused("Disk:ExternalDataFile",
                        "the qcow2 image keeps its contents in an external data file",
                        "make it self-contained: qemu-img convert -f qcow2 -O qcow2");
}

Error encrypted(const HeaderReader& reader) {
  return reader.refused("Disk:Encrypted",
                        "the qcow2 image is encrypted",
                        "decrypt it with qemu-img convert and the key");
}

Result<void> refuse_features(const HeaderReader& reader, std::uint64_t features) {
  const std::string_view repair = "let qemu-img repair it: qemu-img check -f qcow2 -r all";
  if ((features & kCorrupt) != 0) {
    return corrupt(reader, kIncompatibleAt, "the qcow2 image is marked as corrupt")
        .cure(std::string(repair));
  }
  if ((features & kDirty) != 0) {
    return reader.refused("Disk:DirtyQcow2",
                          "the qcow2 image was not closed: it is in use, or its last user crashed",
                          "stop its virtual machine, then " + std::string(repair));
  }
  if ((features & kExternalDataFile) != 0) return external_data(reader);
  if ((features & ~kKnownFeatures) != 0) {
    return unsupported(reader,
                       fmt::format("the qcow2 image needs features that are not known here "
                                   "(incompatible feature bits {:#x})",
                                   features & ~kKnownFeatures));
  }
  return {};
}

Result<void> read_v3_fields(const HeaderReader& reader, Bytes bytes, Qcow2Header& header) {
  header.length = read_be<std::uint32_t>(bytes, kHeaderLengthAt);
  if (header.length < kV3HeaderSize || header.length > header.cluster_size ||
      header.length % 8 != 0) {
    return corrupt(reader,
                   kHeaderLengthAt,
                   fmt::format("a header length of {} bytes is not possible", header.length));
  }
  header.features = read_be<std::uint64_t>(bytes, kIncompatibleAt);
  KILN_TRY(refuse_features(reader, header.features));
  constexpr std::uint32_t kLargestRefcountOrder = 6;
  if (read_be<std::uint32_t>(bytes, kRefcountOrderAt) > kLargestRefcountOrder) {
    return corrupt(
        reader, kRefcountOrderAt, "a refcount width of more than 64 bits is not possible");
  }
  if ((header.features & kCompressionType) != 0) {
    constexpr auto kZstd = std::byte{1};
    KILN_TRY_ASSIGN(const auto type, reader.read(kCompressionAt, 1, "the compression type"));
    if (header.length <= kCompressionAt || type.front() > kZstd) {
      return unsupported(reader, "the qcow2 image uses an unknown compression");
    }
  }
  return {};
}

Result<Qcow2Header> read_header(const HeaderReader& reader) {
  KILN_TRY_ASSIGN(auto bytes, reader.read(0, kV2HeaderSize, "the qcow2 header"));
  Qcow2Header header;
  header.version = read_be<std::uint32_t>(bytes, kVersionAt);
  if (header.version != 2 && header.version != 3) {
    return unsupported(reader, fmt::format("qcow version {} is not supported", header.version));
  }
  const auto cluster_bits = read_be<std::uint32_t>(bytes, kClusterBitsAt);
  if (cluster_bits < 9 || cluster_bits > 21) {
    return corrupt(reader,
                   kClusterBitsAt,
                   fmt::format("a cluster size of 2^{} bytes is not possible", cluster_bits));
  }
  header.cluster_size = std::uint64_t{1} << cluster_bits;
  if (read_be<std::uint64_t>(bytes, kBackingOffsetAt) != 0) {
    return reader.refused("Disk:BackingFile",
                          "the qcow2 image has a backing file, so its contents are not all here",
                          "make it self-contained: qemu-img convert -f qcow2 -O qcow2");
  }
  if (read_be<std::uint32_t>(bytes, kCryptAt) != 0) return encrypted(reader);
  if (header.version == 3) {
    KILN_TRY_ASSIGN(bytes, reader.read(0, kV3HeaderSize, "the qcow2 version 3 header"));
    KILN_TRY(read_v3_fields(reader, bytes, header));
  }
  header.virtual_size = read_be<std::uint64_t>(bytes, kSizeAt);
  KILN_TRY(check_virtual_size(reader, header.virtual_size, kSizeAt));
  header.l1_entries = read_be<std::uint32_t>(bytes, kL1EntriesAt);
  header.l1_offset = read_be<std::uint64_t>(bytes, kL1OffsetAt);
  header.refcount_offset = read_be<std::uint64_t>(bytes, kRefcountOffsetAt);
  header.refcount_length = read_be<std::uint32_t>(bytes, kRefcountClustersAt) * header.cluster_size;
  header.snapshots = read_be<std::uint32_t>(bytes, kSnapshotsAt);
  header.snapshots_offset = read_be<std::uint64_t>(bytes, kSnapshotsOffsetAt);
  return header;
}

/// Header extensions lie between the header and the end of the first cluster.
Result<void> check_extensions(const HeaderReader& reader, const Qcow2Header& header) {
  constexpr std::uint64_t kExtensionHeader = 8;
  std::uint64_t at = header.length;
  while (at + kExtensionHeader <= header.cluster_size) {
    KILN_TRY_ASSIGN(const auto bytes, reader.read(at, kExtensionHeader, "a header extension"));
    const auto type = read_be<std::uint32_t>(bytes, 0);
    const auto length = std::uint64_t{read_be<std::uint32_t>(bytes, 4)};
    if (type == kEndOfExtensions) return {};
    if (type == kDataFileName) return external_data(reader);
    if (type == kCryptoHeader) return encrypted(reader);
    if (length > header.cluster_size - at - kExtensionHeader) {
      return corrupt(reader, at, "a header extension is longer than the header's cluster");
    }
    at += kExtensionHeader + round_up(length, 8);
  }
  return {};
}

Result<void> check_tables(const HeaderReader& reader, const Qcow2Header& header) {
  const auto l1_length = header.l1_entries * sizeof(std::uint64_t);
  const std::uint64_t l2_entry = (header.features & kExtendedL2) != 0 ? 16 : 8;
  const std::uint64_t covered = header.cluster_size * (header.cluster_size / l2_entry);
  const auto needed = (header.virtual_size + covered - 1) / covered;
  if (header.l1_entries < needed) {
    return corrupt(reader,
                   kL1EntriesAt,
                   fmt::format("the L1 table has {} entries, but the virtual size needs {}",
                               header.l1_entries,
                               needed));
  }
  if (l1_length > kLargestL1 || header.refcount_length > kLargestRefcountTable ||
      header.snapshots > kMostSnapshots) {
    return corrupt(reader, kL1EntriesAt, "a table is larger than the format allows");
  }
  if (header.l1_offset % header.cluster_size != 0 ||
      header.refcount_offset % header.cluster_size != 0 || header.refcount_length == 0) {
    return corrupt(reader, kL1OffsetAt, "a table does not begin at a cluster, or is missing");
  }
  return check_regions(
      reader,
      "Disk:CorruptQcow2",
      {{"the qcow2 header", 0, header.length},
       {"the L1 table", header.l1_offset, l1_length},
       {"the refcount table", header.refcount_offset, header.refcount_length},
       {"the snapshot table", header.snapshots_offset, header.snapshots != 0 ? 1U : 0U}});
}

/// Every L2 table lies inside of the file, at a cluster of its own.
Result<void> check_l1_entries(const HeaderReader& reader, const Qcow2Header& header) {
  constexpr std::uint64_t kOffsetMask = 0x00FFFFFFFFFFFE00;
  KILN_TRY_ASSIGN(
      const auto table,
      reader.read(header.l1_offset, header.l1_entries * sizeof(std::uint64_t), "the L1 table"));
  std::vector<std::uint64_t> l2_tables;
  for (std::uint64_t i = 0; i < header.l1_entries; ++i) {
    const auto at = i * sizeof(std::uint64_t);
    const auto l2 = read_be<std::uint64_t>(table, at) & kOffsetMask;
    if (l2 == 0) continue;
    if (l2 % header.cluster_size != 0 || l2 > reader.size() ||
        header.cluster_size > reader.size() - l2) {
      return corrupt(
          reader,
          header.l1_offset + at,
          fmt::format("L2 table {} is said to be at byte {}, outside of the file or not at a "
                      "cluster",
                      i,
                      l2));
    }
    l2_tables.push_back(l2);
  }
  std::ranges::sort(l2_tables);
  if (std::ranges::adjacent_find(l2_tables) != l2_tables.end()) {
    return corrupt(reader, header.l1_offset, "two L1 entries name the same L2 table");
  }
  return {};
}

Result<ImageHeader> read(const HeaderReader& reader) {
  KILN_TRY_ASSIGN(const auto header, read_header(reader));
  if (header.version == 3) KILN_TRY(check_extensions(reader, header));
  KILN_TRY(check_tables(reader, header));
  KILN_TRY(check_l1_entries(reader, header));
  ImageHeader result{header.virtual_size, {}};
  if (header.snapshots != 0) {
    result.warnings.push_back(
        fmt::format("the qcow2 image has {} internal snapshots; only its current state is used",
                    header.snapshots));
  }
  return result;
}

nlohmann::json options(std::uint64_t /*virtual_size*/) {
  return {{"backing", nullptr}};
}

}  // namespace

ImageFormat qcow2_format() {
  return {DiskFormat::kQcow2, "qcow2", "qcow2", matches, read, options};
}

}  // namespace kiln
