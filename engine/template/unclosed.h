#pragma once

#include "engine/contract/diagnostic.h"

namespace kiln {

/// Warns of texts that were hardly meant as such: expressions that lack a bracket, and which the
/// service takes literally therefore.
void note_unclosed_expressions(const JsonReader& resource, Diagnostics& found);

}  // namespace kiln
