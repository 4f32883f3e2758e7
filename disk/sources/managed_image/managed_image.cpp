#include "disk/sources/managed_image/managed_image.h"

#include <array>

#include "disk/sources/catalog_source.h"

namespace kiln {
namespace {

constexpr std::array kFields = {
    Field{.name = "imageId", .help = "resource id of the managed image", .required = true},
};

constexpr std::array kHints = {
    Hint{"location", "the source image's location is its own", "remove it"},
};

}  // namespace

constexpr RecordType kManagedImageSource{.name = "ManagedImage",
                                         .help = "a managed image, through the catalog",
                                         .fields = kFields,
                                         .hints = kHints,
                                         .discriminated = true,
                                         .since = ApiVersion::k2019Preview};

Result<std::unique_ptr<Source>> parse_managed_image(const Record& record,
                                                    const ContractContext& /*context*/) {
  KILN_TRY_ASSIGN(auto key, read_image_id(record, "imageId", ImageKind::kManagedImage));
  return make_catalog_source(std::move(key), record.place().where());
}

}  // namespace kiln
