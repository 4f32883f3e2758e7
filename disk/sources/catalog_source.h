#pragma once

#include <memory>
#include <string>
#include <vector>

#include "disk/sources/image_key.h"
#include "disk/sources/source.h"

namespace kiln {

/// A source that the catalog resolves; what PlatformImage, ManagedImage and SharedImageVersion
/// share.
/// @param where place in the template, for messages
std::unique_ptr<Source> make_catalog_source(ImageKey key, std::string where);

/// The id in the field `name`, which must be of the given kind.
Result<ImageKey> read_image_id(const Record& record, std::string_view name, ImageKind kind);

/// Refuses a file that is not there, so that a plan fails before anything starts.
Result<void> require_image_file(const std::filesystem::path& path, std::string cure);

}  // namespace kiln
