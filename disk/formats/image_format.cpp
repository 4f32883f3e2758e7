#include "disk/formats/image_format.h"

#include <array>

#include "disk/formats/qcow2.h"
#include "disk/formats/raw.h"
#include "disk/formats/vhd_dynamic.h"
#include "disk/formats/vhd_fixed.h"
#include "disk/formats/vhdx.h"

namespace kiln {

std::span<const ImageFormat> image_formats() {
  static const std::array formats = {
      qcow2_format(), vhdx_format(), dynamic_vhd_format(), fixed_vhd_format(), raw_format()};
  return formats;
}

const ImageFormat& image_format(DiskFormat format) {
  for (const auto& candidate : image_formats()) {
    if (candidate.format == format) return candidate;
  }
  KILN_CHECK(false && "every DiskFormat has an ImageFormat");
  std::abort();
}

std::string_view to_string(DiskFormat format) {
  return image_format(format).name;
}

Result<IdentifiedImage> identify_image(const HeaderReader& reader) {
  const ImageFormat* found = nullptr;
  for (const auto& format : image_formats()) {
    if (!format.matches(reader)) continue;
    if (found == nullptr) {
      found = &format;
    } else if (format.format != DiskFormat::kRaw) {
      // Whoever wrote the contents may have put one of the two there to be mistaken for the other.
      return reader.refused(
          "Disk:AmbiguousFormat",
          fmt::format("the file looks like {} and like {}", found->name, format.name),
          "convert it with its real format given: qemu-img convert -f FORMAT -O qcow2");
    }
  }
  KILN_CHECK(found != nullptr);  // raw matches everything
  KILN_TRY_ASSIGN(auto header, found->read(reader));
  if (header.virtual_size % kMiB != 0) {
    header.warnings.push_back(
        fmt::format("the disk's {} bytes are not whole MiB; what is made from it will be, rounded "
                    "up with zeros",
                    header.virtual_size));
  }
  return IdentifiedImage{found, std::move(header)};
}

}  // namespace kiln
