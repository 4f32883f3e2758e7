// guid, newGuid, uniqueString.
#include <array>

#include "engine/template/arm/encoding.h"
#include "engine/template/arm/functions.h"

namespace kiln::arm {
namespace {

/// The arguments' texts with hyphens between them, from which both hashes are made.
Result<std::string> joined(const Call& call) {
  std::string text;
  for (std::size_t i = 0; i < call.count(); ++i) {
    if (call.at(i).is_structured() || call.at(i).is_null()) return call.wrong(i, "a string");
    if (i > 0) text += '-';
    text += text_of(call.at(i));
  }
  return text;
}

Result<Value> guid(const Call& call) {
  KILN_TRY_ASSIGN(const auto text, joined(call));
  return made(name_based_guid(text));
}

Result<Value> unique_string_of(const Call& call) {
  KILN_TRY_ASSIGN(const auto text, joined(call));
  return made(unique_string(text));
}

Result<Value> new_guid(const Call& call) {
  if (call.run.scope().in_default) return made(random_guid());
  return call.error("it can be used only in the default value of a parameter");
}

constexpr std::array kFunctions = {
    Function{"guid", 1, -1, guid},
    Function{"newGuid", 0, 0, new_guid},
    Function{"uniqueString", 1, -1, unique_string_of},
};

}  // namespace

std::span<const Function> identity_functions() {
  return kFunctions;
}

}  // namespace kiln::arm
