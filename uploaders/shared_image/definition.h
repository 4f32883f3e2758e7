#pragma once

#include <nlohmann/json.hpp>

#include "uploaders/distributor.h"

namespace kiln {

/// Refuses an image that the gallery's definition is not for: of another system or Hyper-V
/// generation, or without the Secure Boot that the definition's machines have.
/// @param definition the resource, as the service describes it
Result<void> check_definition(const nlohmann::json& definition, const ImageTraits& image);

/// Whether machines of the definition need nothing of their security type from the image.
bool is_standard(const nlohmann::json& definition);

}  // namespace kiln
