#pragma once

#include "engine/contract/record.h"

namespace kiln {

/// Whether a value that is no record fits its field; what is wrong is added to `context.found`.
/// Nothing is said of an unknown value, which does not fit.
bool check_field_value(const Field& field, const JsonReader& place, const ContractContext& context);

/// The array's items; null where it is none, which has been told then.
std::optional<std::vector<JsonReader>> read_items(const JsonReader& array,
                                                  const ContractContext& context);

/// Tells of a spelling that earlier versions let pass: an error in a strict version, else a
/// warning.
void tell_slip(const ContractContext& context,
               const JsonReader& place,
               std::string code,
               std::string message,
               std::string suggestion);

}  // namespace kiln
