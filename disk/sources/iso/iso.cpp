#include "disk/sources/iso/iso.h"

namespace kiln {

Result<std::unique_ptr<Source>> parse_iso(const JsonReader& body) {
  return not_yet_supported(body,
                           "an installer ISO as source",
                           "install the system once, and use its disk as a KilnLocalImage source");
}

}  // namespace kiln
