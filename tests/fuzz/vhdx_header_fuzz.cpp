// VHDX headers, region and metadata tables and the block allocation table, from compact pieces.
#include <cstdint>

#include "disk/formats/image_format.h"
#include "tests/support/vhdx_pieces.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using kiln::HeaderReader;
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto image = kiln::test::vhdx_from_pieces(bytes);
  const auto found = kiln::identify_image(HeaderReader::of_bytes(image, "fuzz"));
  if (found) KILN_CHECK(found->header.virtual_size % 512 == 0 && found->header.virtual_size > 0);
  if (!found) KILN_CHECK(!found.error().message().empty());
  return 0;
}
