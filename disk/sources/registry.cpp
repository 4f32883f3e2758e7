#include <array>

#include "disk/sources/iso/iso.h"
#include "disk/sources/kiln_local_image/kiln_local_image.h"
#include "disk/sources/managed_image/managed_image.h"
#include "disk/sources/platform_image/platform_image.h"
#include "disk/sources/shared_image_version/shared_image_version.h"
#include "disk/sources/source.h"

namespace kiln {
namespace {

constexpr std::array kSources = {
    SourceEntry{"PlatformImage", "a marketplace image, through the catalog", parse_platform_image},
    SourceEntry{"ManagedImage", "a managed image, through the catalog", parse_managed_image},
    SourceEntry{"SharedImageVersion",
                "a gallery image version, through the catalog",
                parse_shared_image_version},
    SourceEntry{"ISO", "an installer disc; not yet supported", parse_iso},
    SourceEntry{
        "KilnLocalImage", "a local disk image; Kiln's own extension", parse_kiln_local_image},
};

}  // namespace

std::span<const SourceEntry> source_registry() {
  return kSources;
}

Result<std::unique_ptr<Source>> parse_source(const JsonReader& body) {
  KILN_TRY_ASSIGN(const auto field, body.require("type"));
  KILN_TRY_ASSIGN(const auto type, field.as_string());
  std::vector<std::string_view> known;
  for (const auto& entry : kSources) {
    if (entry.type == type) return entry.parse(body);
    known.push_back(entry.type);
  }
  return unknown_type(field, "source", known);
}

}  // namespace kiln
