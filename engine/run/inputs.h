#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "engine/core/event.h"
#include "engine/core/fetcher.h"
#include "engine/plan/plan.h"
#include "engine/run/run_record.h"

namespace kiln {

/// Fetches every customizer's and validator's inputs into `folder`, named by their SHA-256, and
/// checks the digests that the template gives. A URI that several steps use is fetched once.
/// @return local file by URI
Result<std::map<std::string, std::filesystem::path>> fetch_inputs(
    const Plan& plan,
    Fetcher& fetcher,
    const std::filesystem::path& folder,
    RunRecord& record,
    EventSink& events,
    const CancelToken& cancel);

}  // namespace kiln
