#pragma once

#include "engine/core/json.h"

namespace kiln {

/// Refuses a value that still holds a placeholder such as `<subscriptionID>`, which the published
/// samples expect to be replaced before use.
Result<void> refuse_placeholder(const JsonReader& text);

}  // namespace kiln
