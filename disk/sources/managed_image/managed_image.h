#pragma once

#include <memory>

#include "disk/sources/source.h"

namespace kiln {

extern const RecordType kManagedImageSource;

Result<std::unique_ptr<Source>> parse_managed_image(const Record& record,
                                                    const ContractContext& context);

}  // namespace kiln
