#pragma once

#include <string>
#include <string_view>

#include "engine/core/json.h"

namespace kiln {

/// A part of the contract that this version cannot honour: refused, because ignoring it would build
/// another image than the one that was asked for.
/// @param what a noun phrase, e.g. `an ARM expression`
Error not_yet_supported(const JsonReader& place, std::string_view what, std::string cure);

/// Refuses a value that still holds a placeholder such as `<subscriptionID>`, which the published
/// samples expect to be replaced before use.
Result<void> refuse_placeholder(const JsonReader& text);

}  // namespace kiln
