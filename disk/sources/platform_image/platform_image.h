#pragma once

#include <memory>

#include "disk/sources/source.h"

namespace kiln {

extern const RecordType kPlatformImageSource;

Result<std::unique_ptr<Source>> parse_platform_image(const Record& record,
                                                     const ContractContext& context);

}  // namespace kiln
