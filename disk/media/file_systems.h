#pragma once

#include "disk/media/media_reader.h"
#include "engine/core/unique_fd.h"

namespace kiln {

/// More than the largest discs have; about 60,000 packages fit on a Blu-ray disc.
inline constexpr std::size_t kMostMediaFiles = 400'000;
inline constexpr std::size_t kLongestMediaPath = 4096;
/// ISO 9660 has 8 levels, its extensions and UDF more.
inline constexpr int kDeepestMediaFolder = 64;

/// @param image the regular file at `path`, open for reading
Result<std::unique_ptr<MediaReader>> open_iso9660(UniqueFd image,
                                                  const std::filesystem::path& path);
Result<std::unique_ptr<MediaReader>> open_udf(UniqueFd image, const std::filesystem::path& path);

/// What both refuse.
Error too_many_media_files(const std::filesystem::path& image);
Error damaged_media(const std::filesystem::path& image, std::string_view reason);

}  // namespace kiln
