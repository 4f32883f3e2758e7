#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kiln {

/// `/subscriptions/S/resourceGroups/G/providers/Microsoft.Compute/images/NAME`, in any case. Names
/// in braces, which samples use for what the reader must fill in, pass; see warn_of_braces.
bool is_managed_image_id(std::string_view text);

/// Whether it is the id of the storage account of that name, in any case.
bool is_storage_account_id(std::string_view text, std::string_view name);

/// `/subscriptions/S/resourceGroups/G` of the id of a resource in a group.
std::string resource_group_of(std::string_view id);

/// Where a gallery target goes.
struct GalleryTarget {
  std::string definition;  ///< resource id of the image definition
  std::string version;     ///< the explicit version x.y.z; empty where the service chooses
};

/// `/subscriptions/S/resourceGroups/G/providers/Microsoft.Compute/galleries/G/images/D`, alone or
/// with `/versions/x.y.z`.
std::optional<GalleryTarget> parse_gallery_target(std::string_view text);

}  // namespace kiln
