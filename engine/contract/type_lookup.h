#pragma once

#include <span>

#include "engine/contract/record.h"

namespace kiln {

/// The type that an item's discriminator names, or null with the reason added to `context.found`.
/// Discriminators are case-sensitive in every api-version; 2018-02-01-preview has its own.
/// @param what what the registry holds, in the singular, e.g. `source`
const RecordType* find_type(const JsonReader& body,
                            std::string_view what,
                            std::span<const RecordType* const> known,
                            const ContractContext& context);

}  // namespace kiln
