#include "disk/sources/shared_image_version/shared_image_version.h"

#include <array>

#include "disk/sources/catalog_source.h"

namespace kiln {
namespace {

constexpr std::array kFields = {
    Field{.name = "imageVersionId",
          .help = "resource id of the gallery image version, exact or latest",
          .required = true},
    Field{.name = "exactVersion",
          .help = "the version that latest stood for",
          .treatment = Treatment::kReadOnly,
          .since = ApiVersion::k2022July},
};

}  // namespace

constexpr RecordType kSharedImageVersionSource{
    .name = "SharedImageVersion",
    .help = "a gallery image version, through the catalog",
    .fields = kFields,
    .discriminated = true,
    .since = ApiVersion::k2019MayPreview};

Result<std::unique_ptr<Source>> parse_shared_image_version(const Record& record,
                                                           const ContractContext& context) {
  KILN_TRY_ASSIGN(auto key,
                  read_image_id(record, "imageVersionId", ImageKind::kSharedImageVersion));
  if (key.is_latest() && context.version < ApiVersion::k2022July) {
    context.warning(record.at("imageVersionId"),
                    "Source:LatestGalleryVersion",
                    "a gallery source of version latest came with api-version 2022-07-01",
                    "raise apiVersion, or name an exact version");
  }
  return make_catalog_source(std::move(key), record.place().where());
}

}  // namespace kiln
