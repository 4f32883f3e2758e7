#pragma once

#include <string>
#include <vector>

#include "engine/template/arm/deployment.h"

namespace kiln::arm {

/// The imageTemplates resource of a deployment template, evaluated: the body that the service would
/// get. Nested deployments, loops and conditions are followed.
/// @param wanted the name of the resource where there are several; else empty
/// @param notices names every other resource as skipped
Result<JsonReader> find_image_template(Deployment& deployment,
                                       const std::string& wanted,
                                       std::size_t number,
                                       std::vector<std::string>& notices);

}  // namespace kiln::arm
