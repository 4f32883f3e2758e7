#pragma once

#include "uploaders/distributor.h"

namespace kiln {

extern const RecordType kManagedImageTarget;

Result<std::unique_ptr<Distributor>> parse_managed_image_distributor(
    const Record& record, const ContractContext& context);

}  // namespace kiln
