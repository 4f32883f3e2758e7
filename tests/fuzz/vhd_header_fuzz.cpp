// VHD footers, dynamic headers and block allocation tables.
#include <cstdint>

#include "disk/formats/image_format.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using kiln::HeaderReader;
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto found = kiln::identify_image(HeaderReader::of_bytes(bytes, "fuzz"));
  if (found) KILN_CHECK(found->header.virtual_size % 512 == 0 && found->header.virtual_size > 0);
  if (!found) KILN_CHECK(!found.error().message().empty());
  return 0;
}
