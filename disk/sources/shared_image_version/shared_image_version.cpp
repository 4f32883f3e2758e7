#include "disk/sources/shared_image_version/shared_image_version.h"

#include "disk/sources/catalog_source.h"

namespace kiln {

Result<std::unique_ptr<Source>> parse_shared_image_version(const JsonReader& body) {
  KILN_TRY(body.refuse_unknown({"type", "imageVersionId", "exactVersion"}));
  KILN_TRY_ASSIGN(auto key, read_image_id(body, "imageVersionId", ImageKind::kSharedImageVersion));
  std::vector<std::string> notices;
  note_exact_version(body, notices);
  return make_catalog_source(std::move(key), body.where(), std::move(notices));
}

}  // namespace kiln
