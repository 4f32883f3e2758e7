#pragma once

#include "engine/template/arm/functions.h"

namespace kiln::arm {

/// Keeps the texts in what a list* function or a vault gave. A member that names or describes a key
/// is none: hiding `key1` or a date would only spoil messages.
void keep_live_secrets(const nlohmann::json& value, Context& context);

/// Keeps what a function made from a secret and what no longer shows it, such as base64 of it.
Result<void> keep_derived_secrets(const Function& function, const Call& call, const Value& result);

}  // namespace kiln::arm
