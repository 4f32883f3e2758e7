#pragma once

#include <span>

#include "engine/contract/record.h"

namespace kiln {

/// The member that says an item's type: `type`, or what is most likely meant by it; empty where
/// there is none.
std::string name_of_discriminator(const JsonReader& body);

/// The type that an item's discriminator names. Discriminators are case-sensitive in every
/// api-version; 2018-02-01-preview has its own. Where the name is wrong an error is added to
/// `context.found`, and the type is the one that was meant, or null where that cannot be told.
/// @param what what the registry holds, in the singular, e.g. `source`
const RecordType* find_type(const JsonReader& body,
                            std::string_view what,
                            std::span<const RecordType* const> known,
                            const ContractContext& context);

}  // namespace kiln
