// Any JSON is a customizer that can describe itself, or an error that says where.
#include <cstdint>
#include <cstring>

#include "customizers/customizer.h"
#include "customizers/shell/script.h"
#include "engine/core/digest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(size, '\0');
  if (size > 0) std::memcpy(text.data(), data, size);
  const auto unix_text = kiln::to_unix_lines(text);
  KILN_CHECK(unix_text.empty() == text.empty());
  KILN_CHECK(unix_text.empty() || unix_text.back() == '\n');
  const auto document = kiln::JsonReader::parse(std::move(text), "fuzz");
  if (!document) return 0;
  const auto customizer = kiln::parse_customizer(*document);
  if (!customizer) {
    KILN_CHECK(!customizer.error().where().empty());
    return 0;
  }
  KILN_CHECK(!(*customizer)->describe().empty());
  for (const auto& input : (*customizer)->inputs()) {
    KILN_CHECK(!input.uri.empty() && !input.where.empty());
    KILN_CHECK(input.sha256.empty() || kiln::is_sha256(input.sha256));
  }
  return 0;
}
