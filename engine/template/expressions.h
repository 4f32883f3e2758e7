#pragma once

#include "engine/core/json.h"

namespace kiln {

/// Resolves the strings of a document as Azure Resource Manager does. This version evaluates no
/// expressions: a string `[…]` is refused with its place, and `[[…]` becomes the literal `[…]`. The
/// evaluator belongs here, and what it returns keeps the positions of the original.
/// @param notices says how many strings were unescaped, because in a body that never went through
///   ARM a line such as `[[ -e /etc/motd ]]` may have been meant as it stands
Result<JsonReader> resolve_expressions(const JsonReader& document,
                                       std::vector<std::string>& notices);

}  // namespace kiln
