#include "disk/formats/raw.h"

#include <array>
#include <string_view>

namespace kiln {
namespace {

using namespace std::string_view_literals;

struct ForeignFormat {
  std::size_t offset;
  std::string_view magic;
  std::string_view name;
  std::string_view cure;
};

constexpr auto kConvert =
    "convert it first, with its format given: qemu-img convert -f FORMAT -O qcow2"sv;
constexpr auto kUnpack = "unpack it first and name the disk image inside"sv;

/// Files that people mistake for disks. Taken as raw they would give a disk full of noise;
/// converted silently, formats with descriptors could name other files of the host.
constexpr std::array kForeign = {
    ForeignFormat{0, "KDMV"sv, "a VMDK disk"sv, kConvert},
    ForeignFormat{0, "COWD"sv, "a VMDK disk"sv, kConvert},
    ForeignFormat{0, "# Disk DescriptorFile"sv, "a VMDK descriptor"sv, kConvert},
    ForeignFormat{0x40, "\x7f\x10\xda\xbe"sv, "a VirtualBox VDI disk"sv, kConvert},
    ForeignFormat{0, "QED\0"sv, "a QED disk"sv, kConvert},
    ForeignFormat{0, "WithoutFreeSpace"sv, "a Parallels disk"sv, kConvert},
    ForeignFormat{0, "WithouFreSpacExt"sv, "a Parallels disk"sv, kConvert},
    ForeignFormat{0, "LUKS\xba\xbe"sv, "a LUKS-encrypted volume"sv, "decrypt it first"sv},
    ForeignFormat{0, "\x1f\x8b"sv, "a gzip file"sv, kUnpack},
    ForeignFormat{0,
                  "\xfd"
                  "7zXZ\0"sv,
                  "an xz file"sv,
                  kUnpack},
    ForeignFormat{0, "\x28\xb5\x2f\xfd"sv, "a zstd file"sv, kUnpack},
    ForeignFormat{0, "BZh"sv, "a bzip2 file"sv, kUnpack},
    ForeignFormat{0, "PK\x03\x04"sv, "a zip file"sv, kUnpack},
    ForeignFormat{0, "7z\xbc\xaf\x27\x1c"sv, "a 7-Zip file"sv, kUnpack},
    ForeignFormat{257, "ustar"sv, "a tar or OVA archive"sv, kUnpack},
    ForeignFormat{
        0, "MSWIM\0\0\0"sv, "a Windows image (WIM)"sv, "use a disk that was installed from it"sv},
    ForeignFormat{0x8001,
                  "CD001"sv,
                  "an ISO 9660 image"sv,
                  "use a disk image; an installer ISO is named as an ISO source"sv},
};

bool matches(const HeaderReader& /*reader*/) {
  return true;
}

Result<ImageHeader> read(const HeaderReader& reader) {
  for (const auto& foreign : kForeign) {
    if (!reader.head_has(foreign.offset, foreign.magic)) continue;
    return reader.refused("Disk:ForeignFormat",
                          fmt::format("the file is {}, not a disk image that Kiln reads (raw, VHD, "
                                      "VHDX, qcow2)",
                                      foreign.name),
                          std::string(foreign.cure));
  }
  constexpr std::uint64_t kSector = 512;
  if (reader.size() == 0 || reader.size() % kSector != 0) {
    return reader
        .damaged(reader.size(),
                 "Disk:UnalignedRaw",
                 fmt::format("the file has no known image header, and its {} bytes are not whole "
                             "sectors of 512 bytes either",
                             reader.size()))
        .cure("check that it is a disk image and that it was copied completely");
  }
  KILN_TRY(check_virtual_size(reader, reader.size(), 0));
  return ImageHeader{reader.size(), {}};
}

nlohmann::json options(std::uint64_t virtual_size) {
  return {{"offset", 0}, {"size", virtual_size}};
}

}  // namespace

ImageFormat raw_format() {
  return {DiskFormat::kRaw, "raw", "raw", matches, read, options};
}

}  // namespace kiln
