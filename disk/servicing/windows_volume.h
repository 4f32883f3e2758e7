#pragma once

#include <functional>

#include "disk/inspect/image_session.h"
#include "disk/inspect/windows/hives.h"
#include "disk/inspect/windows/windows_facts.h"

namespace kiln {

/// Mounts the volume with Windows at `/`, does it, and unmounts whatever came of it.
/// @return `Windows:NoHives` where the session cannot read a registry
Result<void> on_windows_volume(ImageSession& session,
                               const WindowsFacts& facts,
                               bool read_only,
                               const std::function<Result<void>(Hives&)>& work);

/// The path of one of the registry's files, such as SYSTEM, on the mounted volume.
/// @return `Windows:NoHive` where it is absent
Result<std::string> hive_path(ImageSession& session,
                              const WindowsFacts& facts,
                              std::string_view name);

}  // namespace kiln
