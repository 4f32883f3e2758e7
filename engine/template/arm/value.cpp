#include "engine/template/arm/value.h"

#include "engine/core/text.h"

namespace kiln::arm {

PlacePtr place_or(PlacePtr part, const PlacePtr& whole) {
  if (part == nullptr) return whole;
  return part;
}

const nlohmann::json* find_member(const nlohmann::json& object,
                                  std::string_view name,
                                  std::string* spelling) {
  if (!object.is_object()) return nullptr;
  auto found = object.find(std::string(name));
  for (auto it = object.begin(); found == object.end() && it != object.end(); ++it) {
    if (equal_ignoring_case(it.key(), name)) found = it;
  }
  if (found == object.end()) return nullptr;
  if (spelling != nullptr) *spelling = found.key();
  return &*found;
}

std::string_view type_of(const nlohmann::json& value) {
  if (value.is_string()) return "a string";
  if (value.is_boolean()) return "a bool";
  if (value.is_number_integer()) return "an int";
  if (value.is_number()) return "a number";
  if (value.is_array()) return "an array";
  if (value.is_object()) return "an object";
  return "null";
}

}  // namespace kiln::arm
