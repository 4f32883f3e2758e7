#pragma once

#include "customizers/customizer.h"

namespace kiln {

extern const RecordType kWindowsRestartType;

Result<std::unique_ptr<Customizer>> parse_windows_restart(const Record& record,
                                                          const ContractContext& context);

}  // namespace kiln
