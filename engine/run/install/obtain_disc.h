#pragma once

#include "engine/core/event.h"
#include "engine/core/fetcher.h"
#include "engine/plan/plan.h"

namespace kiln {

/// The disc that a plan installs from, complete and with the SHA-256 that the template demands.
/// @param folder takes a disc that is fetched, as `disc.iso`; the digest is made while it comes
/// @return the plan's order, with what is on the disc
Result<InstallOrder> obtain_disc(const Plan& plan,
                                 Fetcher& fetcher,
                                 const std::filesystem::path& folder,
                                 const std::filesystem::path& cache_folder,
                                 EventSink& events,
                                 const CancelToken& cancel);

}  // namespace kiln
