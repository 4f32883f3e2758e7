#include "engine/template/arm/scope.h"

namespace kiln::arm {

bool Budget::charge(std::size_t units) {
  if (units > left_) return false;
  left_ -= units;
  return true;
}

bool Budget::measure(const nlohmann::json& value, int depth) {
  constexpr int kMaxDepth = 128;
  constexpr std::size_t kBytesPerUnit = 32;
  if (depth > kMaxDepth) return false;
  if (value.is_string()) {
    return charge(1 + value.get_ref<const std::string&>().size() / kBytesPerUnit);
  }
  if (!charge(1)) return false;
  if (!value.is_structured()) return true;
  for (const auto& [key, member] : value.items()) {
    if (value.is_object() && !charge(key.size() / kBytesPerUnit)) return false;
    if (!measure(member, depth + 1)) return false;
  }
  return true;
}

std::int64_t turns_of(const Frame* frame) {
  constexpr std::int64_t kEnough = 1'000'000'000;  // a product of these does not overflow
  std::int64_t turns = 1;
  for (; frame != nullptr && turns < kEnough; frame = frame->outer) turns *= frame->count;
  return turns;
}

std::optional<JsonReader> find_field(const JsonReader& object, std::string_view name) {
  std::string spelling;
  if (find_member(object.value(), name, &spelling) == nullptr) return std::nullopt;
  return object.find(spelling);
}

}  // namespace kiln::arm
