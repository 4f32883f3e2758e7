#pragma once

#include <string>
#include <string_view>

#include "engine/core/result.h"

namespace kiln {

enum class ImageKind { kPlatformImage, kManagedImage, kSharedImageVersion, kIso };

/// The source type that names images of this kind, e.g. `PlatformImage`.
std::string_view to_string(ImageKind kind);

/// The name of a cloud image, as templates and the catalog write it. Names that differ in case only
/// are the same image.
struct ImageKey {
  ImageKind kind = ImageKind::kPlatformImage;
  /// `publisher:offer:sku`, a gallery definition's id, an image's id, or the URI of a disc.
  std::string family;
  std::string version;  ///< exact or `latest`; empty for managed images and discs, which have none

  /// As written in the catalog: a URN, or an ARM id.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool is_latest() const;
  [[nodiscard]] bool same_family(const ImageKey& other) const;
  [[nodiscard]] bool same_image(const ImageKey& other) const;
};

/// Reads any of
///   `publisher:offer:sku:version`
///   `/subscriptions/S/resourceGroups/G/providers/Microsoft.Compute/images/NAME`
///   `/subscriptions/S/resourceGroups/G/providers/Microsoft.Compute/galleries/G/images/D/versions/V`
///   `/sharedGalleries/G/images/D/versions/V`
///   `https://host/path/installer.iso`, also `http:`
/// A version is dotted numbers, or `latest` in any case.
Result<ImageKey> parse_image_key(std::string_view text);

/// Whether it can be a publisher, an offer or a SKU: letters, digits and `._-()`. No quote, blank
/// or control character, so a key can stand in a command that a message suggests.
bool is_image_word(std::string_view text);
/// Whether it is dotted numbers, or `latest` in any case.
bool is_image_version(std::string_view text);

/// By number part for part, as Azure orders versions: 1.10.0 is newer than 1.9.9.
bool older_version(std::string_view a, std::string_view b);

}  // namespace kiln
