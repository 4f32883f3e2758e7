#include "disk/convert/open_image.h"

#include "disk/extents/mapped_source.h"
#include "disk/extents/raw_source.h"
#include "disk/image/probe.h"

namespace kiln {

Result<std::unique_ptr<BlockSource>> open_image(ProcessRunner& runner,
                                                const ImageInfo& image,
                                                const std::filesystem::path& folder,
                                                const CancelToken& cancel) {
  if (image.format == DiskFormat::kRaw || image.format == DiskFormat::kFixedVhd) {
    return open_raw_source(image.path, image.virtual_size);
  }
  return open_mapped_source(
      runner, qemu_node(image, /*read_only=*/true), {image.path}, folder, cancel);
}

}  // namespace kiln
