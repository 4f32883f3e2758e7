// Any text is JSON whose every value knows its line and column, or an error.
#include <cstdint>
#include <cstring>

#include "engine/core/json.h"
#include "engine/core/json_fault.h"

namespace {

void visit(const kiln::JsonReader& place) {
  // `fuzz:LINE:COLUMN…`: without a position the name would be followed by a blank.
  KILN_CHECK(place.where().substr(0, 5) == "fuzz:");
  if (const auto members = place.members()) {
    KILN_CHECK(members->size() == place.value().size());
    for (const auto& [name, member] : *members) visit(member);
  } else if (const auto items = place.items()) {
    for (const auto& item : *items) visit(item);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(size, '\0');
  if (size > 0) std::memcpy(text.data(), data, size);
  const auto document = kiln::JsonReader::parse(text, "fuzz");
  const auto fault = kiln::find_json_fault(text);
  KILN_CHECK(!fault || fault->byte <= text.size());
  if (document) {
    KILN_CHECK(!fault);
    visit(*document);
  } else {
    KILN_CHECK(!document.error().where().empty() && !document.error().cure().empty());
  }
  // What strict JSON accepts, relaxed JSON reads in the same way and without a notice.
  std::vector<std::string> notices;
  const auto relaxed = kiln::JsonReader::parse_relaxed(text, "fuzz", notices);
  if (relaxed) visit(*relaxed);
  if (document) {
    KILN_CHECK(relaxed.has_value() && notices.empty() && relaxed->value() == document->value());
  }
  return 0;
}
