#include "disk/inspect/windows/ntfs_volume.h"

#include "engine/core/bytes.h"

namespace kiln {
namespace {

constexpr std::size_t kSector = 512;
constexpr std::size_t kRecord = 1024;  // of every volume but those with sectors of 4 KiB
constexpr std::uint32_t kVolumeInformation = 0x70;
constexpr std::uint32_t kLastAttribute = 0xFFFFFFFF;

Error wrong(const std::string& device, std::string_view what) {
  return fail(ErrorKind::kCorruptImage, "Windows:NtfsStructure", "{}", what)
      .at(device)
      .cure("start the image once, run `chkdsk C: /f` in it and shut it down");
}

}  // namespace

Result<bool> ntfs_is_dirty(Hives& hives, const std::string& device) {
  KILN_TRY_ASSIGN(const auto boot_text, hives.blocks(device, 0, kSector));
  const Bytes boot = std::as_bytes(std::span(boot_text));
  if (boot.size() < kSector || boot_text.substr(3, 4) != "NTFS") {
    return wrong(device, "the first sector is not that of an NTFS volume");
  }
  // Clusters above 64 KiB are given as a power of two (a negative number), which no system disk
  // has.
  const auto sector = read_le<std::uint16_t>(boot, 11);
  const auto sectors = read_le<std::uint8_t>(boot, 13);
  const auto table = read_le<std::uint64_t>(boot, 48);
  constexpr std::uint64_t kFarthest = std::uint64_t{1} << 40;
  if (sector != kSector || sectors == 0 || sectors > 128 || table > kFarthest) {
    return wrong(device, "the first sector of its NTFS volume has sizes that Windows does not use");
  }
  const auto offset = table * sector * sectors + 3 * kRecord;
  KILN_TRY_ASSIGN(const auto record_text, hives.blocks(device, offset, kRecord));
  const Bytes record = std::as_bytes(std::span(record_text));
  if (record.size() < kRecord || record_text.substr(0, 4) != "FILE") {
    return wrong(device, "its NTFS volume has no $Volume file");
  }
  constexpr std::size_t kHeader = 24;  // of a resident attribute
  constexpr std::size_t kFlags = 10;   // in its value
  std::size_t at = read_le<std::uint16_t>(record, 20);
  while (at + kHeader <= kRecord) {
    const auto type = read_le<std::uint32_t>(record, at);
    if (type == kLastAttribute) break;
    const auto length = read_le<std::uint32_t>(record, at + 4);
    const auto value = at + read_le<std::uint16_t>(record, at + 20);
    if (type == kVolumeInformation && value + kFlags + 2 <= kRecord) {
      return (read_le<std::uint16_t>(record, value + kFlags) & 1) != 0;
    }
    if (length < kHeader || length > kRecord) break;
    at += length;
  }
  return wrong(device, "its NTFS volume has no $VOLUME_INFORMATION");
}

}  // namespace kiln
