#pragma once

#include "engine/template/arm/scope.h"

namespace kiln::arm {

/// Looks at what a deployment template declares, whether or not anything uses it: misspelt parts of
/// the template and of its parameters, parameters without a type, limits that nothing can keep.
/// What is wrong goes to the context's failures.
void check_declarations(const JsonReader& body, Context& context);

}  // namespace kiln::arm
