#pragma once

#include "uploaders/distributor.h"

namespace kiln {

extern const RecordType kSharedImageTarget;

Result<std::unique_ptr<Distributor>> parse_shared_image_distributor(const Record& record,
                                                                    const ContractContext& context);

}  // namespace kiln
