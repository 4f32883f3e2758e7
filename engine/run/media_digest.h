#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/core/cancel.h"
#include "engine/sandbox/sandbox.h"

namespace kiln {

/// Names what steps can read of offline media: their names in the guest and their contents; empty
/// where there are none. An ISO is read once, as a source is (see source_contents); a folder is
/// read each time.
Result<std::string> media_contents(const std::vector<OfflineMedium>& media,
                                   const std::filesystem::path& cache_folder,
                                   const CancelToken& cancel);
/// The same where no ISO has to be read for it.
std::optional<std::string> known_media_contents(const std::vector<OfflineMedium>& media,
                                                const std::filesystem::path& cache_folder);

}  // namespace kiln
