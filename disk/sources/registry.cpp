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
    SourceEntry{&kPlatformImageSource, parse_platform_image},
    SourceEntry{&kManagedImageSource, parse_managed_image},
    SourceEntry{&kSharedImageVersionSource, parse_shared_image_version},
    SourceEntry{&kIsoSource, parse_iso},
    SourceEntry{&kKilnLocalImageSource, parse_kiln_local_image},
};

/// The service's word for what is wrong with a source of this type.
std::string_view provisioning_error(const JsonReader& body) {
  const auto field = body.find("type");
  const auto type = field ? field->as_string() : Result<std::string>("");
  if (!type) return "BadSourceType";
  if (*type == kPlatformImageSource.name) return "BadPIRSource";
  if (*type == kManagedImageSource.name) return "BadManagedImageSource";
  if (*type == kSharedImageVersionSource.name) return "BadSharedImageVersionSource";
  if (*type == kIsoSource.name) return "BadISOSource";
  return "BadSourceType";
}

}  // namespace

std::span<const SourceEntry> source_registry() {
  return kSources;
}

ParsedItem<Source> parse_source(const JsonReader& body, const ContractContext& context) {
  return parse_item<Source>(
      body, "source", source_registry(), context.of(provisioning_error(body)));
}

Result<std::unique_ptr<Source>> parse_source(const JsonReader& body) {
  return parse_one_item<Source>(body, "source", source_registry());
}

}  // namespace kiln
