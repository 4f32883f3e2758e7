// What Kiln itself reads of a registry: a hive's base block, and the bytes of values, whose type is
// the first byte here.
#include <algorithm>
#include <cstdint>

#include "disk/inspect/windows/hive_header.h"
#include "disk/inspect/windows/registry_text.h"
#include "engine/core/result.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto state = kiln::hive_state(bytes.substr(0, std::min(size, kiln::kHiveHeader)));
  KILN_CHECK(size >= kiln::kHiveHeader || state == kiln::HiveState::kDamaged);
  if (bytes.empty()) return 0;
  const kiln::RegistryValue value{data[0], std::string(bytes.substr(1))};
  const auto text = kiln::text_of(value);
  if (text) KILN_CHECK(text->find('\0') == std::string::npos);
  for (const auto& each : kiln::texts_of(value)) KILN_CHECK(!each.empty());
  const auto number = kiln::number_of(value);
  KILN_CHECK(!(text && number));
  return 0;
}
