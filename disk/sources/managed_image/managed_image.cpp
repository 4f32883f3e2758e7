#include "disk/sources/managed_image/managed_image.h"

#include "disk/sources/catalog_source.h"

namespace kiln {

Result<std::unique_ptr<Source>> parse_managed_image(const JsonReader& body) {
  KILN_TRY(body.refuse_unknown({"type", "imageId"}));
  KILN_TRY_ASSIGN(auto key, read_image_id(body, "imageId", ImageKind::kManagedImage));
  return make_catalog_source(std::move(key), body.where());
}

}  // namespace kiln
