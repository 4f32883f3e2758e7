#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include <nlohmann/json.hpp>

#include "engine/core/json_place.h"
#include "engine/core/result.h"

namespace kiln::arm {

struct Value;

/// An object that is known member by member, such as the outputs of a deployment that never ran.
class PartialObject {
 public:
  PartialObject() = default;
  PartialObject(const PartialObject&) = delete;
  PartialObject& operator=(const PartialObject&) = delete;
  virtual ~PartialObject() = default;
  /// Nothing where it has no such member.
  [[nodiscard]] virtual Result<std::optional<Value>> member(std::string_view name) const = 0;
};

/// What an expression gives.
struct Value {
  nlohmann::json data;
  PlacePtr origin;  ///< where it was written, if it came from there as it is
  std::shared_ptr<const PartialObject> partial;  ///< set: `data` means nothing
};

/// A tree of evaluated values, and where each of them comes from.
struct Placed {
  nlohmann::json data;
  JsonPlace place;
};

/// A part's own place, or else that of the whole.
PlacePtr place_or(PlacePtr part, const PlacePtr& whole);

/// The member of that name, exactly or else in another case, as ARM looks it up; null if none.
const nlohmann::json* find_member(const nlohmann::json& object,
                                  std::string_view name,
                                  std::string* spelling = nullptr);

/// `a string`, `an array`, …
std::string_view type_of(const nlohmann::json& value);

}  // namespace kiln::arm
