#pragma once

#include "customizers/customizer.h"

namespace kiln {

extern const RecordType kWindowsUpdateType;

Result<std::unique_ptr<Customizer>> parse_windows_update(const Record& record,
                                                         const ContractContext& context);

}  // namespace kiln
