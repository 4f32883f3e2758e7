// Any text is a catalog, or an error; and a catalog that was read survives being written.
#include <cstdint>
#include <cstring>

#include "disk/sources/catalog.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(size, '\0');
  if (size > 0) std::memcpy(text.data(), data, size);
  const auto entries = kiln::parse_catalog(text, "fuzz.json");
  if (!entries) {
    KILN_CHECK(!entries.error().where().empty() && !entries.error().cure().empty());
    return 0;
  }
  const auto written = kiln::write_catalog(*entries);
  const auto again = kiln::parse_catalog(written, "again.json");
  KILN_CHECK(again.has_value());
  KILN_CHECK(again->size() == entries->size());
  KILN_CHECK(kiln::write_catalog(*again) == written);
  return 0;
}
