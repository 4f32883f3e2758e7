#pragma once

#include <span>

#include <nlohmann/json.hpp>

#include "engine/contract/field.h"

namespace kiln {

/// A JSON Schema (2020-12) of one type, in the newest version's spelling; unknown fields are not
/// allowed. Fields of kItem and kItems are left out, for whoever knows the registries.
nlohmann::ordered_json schema_of(const RecordType& type);

}  // namespace kiln
