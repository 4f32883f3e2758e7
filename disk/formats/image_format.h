#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "disk/formats/disk_format.h"
#include "disk/formats/header_reader.h"

namespace kiln {

/// What a format's reader learned from the headers.
struct ImageHeader {
  std::uint64_t virtual_size = 0;     ///< bytes
  std::vector<std::string> warnings;  ///< readable, but odd
};

/// One image format. To add one, write these three functions in a folder pair of its own and add a
/// line to `image_formats`.
struct ImageFormat {
  DiskFormat format;
  std::string_view name;    ///< for people: `vhd-fixed`
  std::string_view driver;  ///< qemu's block driver
  /// By magic only; looks at head and tail.
  bool (*matches)(const HeaderReader& reader);
  /// Refuses truncated, damaged and lying headers and every reference outside of the file.
  Result<ImageHeader> (*read)(const HeaderReader& reader);
  /// The qemu driver's options that stop it from guessing a size or following a reference.
  nlohmann::json (*options)(std::uint64_t virtual_size);
};

/// Every container format; raw, which has no magic, is last and matches everything.
std::span<const ImageFormat> image_formats();

const ImageFormat& image_format(DiskFormat format);

struct IdentifiedImage {
  const ImageFormat* format = nullptr;
  ImageHeader header;
};

/// Tells the format by its magic and reads its headers; refuses what could be two formats.
Result<IdentifiedImage> identify_image(const HeaderReader& reader);

}  // namespace kiln
