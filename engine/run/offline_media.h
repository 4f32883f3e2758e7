#pragma once

#include "engine/run/phases.h"

namespace kiln {

/// In the guest, a folder for each medium; mounted on a file system in memory.
inline constexpr const char* kMediaFolder = "/run/kiln/media";

/// The same media with a disc for each: folders become discs in the run's work folder, once.
/// @param use begins these discs' names: `media`, or `installer`
Result<std::vector<OfflineMedium>> make_discs(std::vector<OfflineMedium> media,
                                              std::string_view use,
                                              const RunContext& context);

/// Mounts the media that are not mounted, each in its folder below `kMediaFolder`, by the image's
/// own `mount`. They go when the sandbox does.
Result<void> mount_media(const RunContext& context, GuestAgent& agent);

}  // namespace kiln
