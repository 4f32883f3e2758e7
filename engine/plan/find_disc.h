#pragma once

#include "engine/plan/plan.h"

namespace kiln {

/// For a source that is a disc: finds it, looks what is on it, and makes `plan.install`. What
/// stands in the way becomes a blocker.
void find_disc(Plan& plan);

}  // namespace kiln
