#pragma once

#include "customizers/customizer.h"

namespace kiln {

extern const RecordType kKilnRestartType;

Result<std::unique_ptr<Customizer>> parse_kiln_restart(const Record& record,
                                                       const ContractContext& context);

}  // namespace kiln
