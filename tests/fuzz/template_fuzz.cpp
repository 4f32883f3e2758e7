// Any text is a template, or an error that says what, where and the cure.
#include <cstdint>
#include <cstring>

#include "engine/template/parse.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(size, '\0');
  if (size > 0) std::memcpy(text.data(), data, size);
  const auto parsed = kiln::parse_template(text, "fuzz.json");
  if (parsed) {
    KILN_CHECK(!parsed->name.empty() && parsed->name.size() <= 64);
    KILN_CHECK(!parsed->source->body.where().empty());
    KILN_CHECK(!parsed->distribute.empty());
    KILN_CHECK(parsed->build_timeout.count() >= 1 && parsed->build_timeout.count() <= 960);
  } else {
    const auto& error = parsed.error();
    KILN_CHECK(!error.message().empty() && !error.where().empty() && !error.cure().empty());
    // What a terminal would obey must not come back to it.
    KILN_CHECK(error.describe().find('\x1b') == std::string::npos);
    KILN_CHECK(error.describe().size() < 4096);
  }
  return 0;
}
