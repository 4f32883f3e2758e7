#pragma once

#include <memory>

#include "disk/sources/source.h"

namespace kiln {

extern const RecordType kSharedImageVersionSource;

Result<std::unique_ptr<Source>> parse_shared_image_version(const Record& record,
                                                           const ContractContext& context);

}  // namespace kiln
