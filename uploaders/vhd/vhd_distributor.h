#pragma once

#include <memory>

#include "uploaders/auth/environment.h"
#include "uploaders/distributor.h"
#include "uploaders/pageblob/page_blob.h"

namespace kiln {

extern const RecordType kVhdType;

/// The `VHD` distributor: a fixed VHD in the output folder (no `uri`), in a file (a path or `file:`
/// URI) or in a page blob (an http or https URL; one that names only a container gets the image's
/// name appended).
/// @param environment where credentials are looked up; outlives the distributor
Result<std::unique_ptr<Distributor>> parse_vhd_distributor(
    const Record& record,
    const ContractContext& context,
    const Environment& environment = process_environment(),
    const PageBlobOptions& blob = {});

}  // namespace kiln
