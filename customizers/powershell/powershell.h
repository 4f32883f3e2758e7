#pragma once

#include "customizers/customizer.h"

namespace kiln {

extern const RecordType kPowerShellType;

Result<std::unique_ptr<Customizer>> parse_powershell(const Record& record,
                                                     const ContractContext& context);

}  // namespace kiln
