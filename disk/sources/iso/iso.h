#pragma once

#include <memory>

#include "disk/sources/source.h"

namespace kiln {

extern const RecordType kIsoSource;

Result<std::unique_ptr<Source>> parse_iso(const Record& record, const ContractContext& context);

}  // namespace kiln
