#pragma once

#include <memory>

#include "customizers/customizer.h"

namespace kiln {

extern const RecordType kShellType;

/// `Shell`: a script, inline or from a URI, run in the guest as the service runs it.
Result<std::unique_ptr<Customizer>> parse_shell(const Record& record,
                                                const ContractContext& context);

}  // namespace kiln
