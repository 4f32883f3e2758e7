#pragma once

#include <memory>

#include "customizers/customizer.h"

namespace kiln {

extern const RecordType kFileType;

/// `File`: puts one file into the guest.
Result<std::unique_ptr<Customizer>> parse_file_customizer(const Record& record,
                                                          const ContractContext& context);

}  // namespace kiln
