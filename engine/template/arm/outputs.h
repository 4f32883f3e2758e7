#pragma once

#include "engine/template/arm/evaluator.h"

namespace kiln::arm {

/// What `reference` gives for a deployment of this very template: its outputs, each evaluated when
/// it is asked for.
/// @param body of the nested template
/// @param scope what its expressions see; outlives the value
Value deployment_state(JsonReader body, Scope& scope);

/// What the full state of another resource of the template is known to have: what is written of it,
/// but for its properties.
Value written_state(JsonReader resource, Scope& scope);

}  // namespace kiln::arm
