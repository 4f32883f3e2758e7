#include "disk/formats/vhd_fixed.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "disk/formats/vhd_footer.h"

namespace kiln {
namespace {

bool matches(const HeaderReader& reader) {
  constexpr std::string_view kCookie = "conectix";
  constexpr std::size_t kTypeAt = 60;
  const auto tail = reader.tail();
  if (tail.size() != kVhdFooterSize ||
      std::memcmp(tail.data(), kCookie.data(), kCookie.size()) != 0) {
    return false;
  }
  const auto type = static_cast<VhdType>(read_be<std::uint32_t>(tail, kTypeAt));
  return type != VhdType::kDynamic && type != VhdType::kDifferencing;
}

/// Virtual PC and plain qemu mean the geometry, everybody else the size field.
void warn_of_geometry(const VhdFooter& footer, std::vector<std::string>& warnings) {
  const std::string_view creator(footer.creator_application.data(), 4);
  if (creator != "vpc " && creator != "qemu") return;
  const auto& chs = footer.geometry;
  const std::uint64_t chs_size =
      std::uint64_t{chs.cylinders} * chs.heads * chs.sectors_per_track * 512;
  if (chs_size == footer.current_size) return;
  warnings.push_back(
      fmt::format("the VHD was made by `{}`, whose readers take {} bytes from the geometry; the "
                  "footer's size of {} bytes is used",
                  creator,
                  chs_size,
                  footer.current_size));
}

Result<ImageHeader> read(const HeaderReader& reader) {
  const std::uint64_t footer_at = reader.size() - kVhdFooterSize;
  auto footer = parse_vhd_footer(reader.tail());
  if (!footer) {
    return reader.damaged(footer_at, footer.error().code(), footer.error().message());
  }
  constexpr std::uint64_t kCurrentSizeAt = 48;
  if (footer->current_size != footer_at) {
    return reader
        .damaged(footer_at + kCurrentSizeAt,
                 "Disk:VhdSizeMismatch",
                 fmt::format("the fixed VHD's footer says {} bytes, but {} bytes stand before it",
                             footer->current_size,
                             footer_at))
        .cure(
            "copy or download the image again; if it was resized by hand, convert it to raw and "
            "back");
  }
  KILN_TRY(check_virtual_size(reader, footer->current_size, footer_at + kCurrentSizeAt));
  ImageHeader header{footer->current_size, {}};
  if (!footer->checksum_valid) header.warnings.emplace_back("the VHD footer's checksum is wrong");
  warn_of_geometry(*footer, header.warnings);
  return header;
}

nlohmann::json options(std::uint64_t virtual_size) {
  // qemu's vpc driver may take the size from the geometry, and probing calls a fixed VHD raw with
  // its footer as contents; raw with an explicit size is right with every qemu.
  return {{"offset", 0}, {"size", virtual_size}};
}

}  // namespace

ImageFormat fixed_vhd_format() {
  return {DiskFormat::kFixedVhd, "vhd-fixed", "raw", matches, read, options};
}

}  // namespace kiln
