#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "disk/image/image_info.h"
#include "engine/core/result.h"

namespace kiln {

/// Reads an image's headers, never its contents, and refuses what must not be a source: truncated,
/// damaged or lying headers (kCorruptImage), and every reference outside of the file itself, i.e.
/// backing files, external data files, parent locators, dirty VHDX logs (kUnsupported).
Result<ImageInfo> probe_image(const std::filesystem::path& path);

/// The name of qemu's block driver for the format, as in `-F` of qemu-img; `raw` for fixed VHDs.
std::string_view qemu_driver(DiskFormat format);

/// The image as qemu's `json:{…}` block node: driver, offset and size explicit, `backing` null, so
/// that qemu never probes a format and never follows a reference.
std::string qemu_node(const ImageInfo& image, bool read_only);

}  // namespace kiln
