#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/agent/guest_agent.h"

namespace kiln {

/// The mount points of file systems on disks that can be written, each file system once, the one
/// mounted last first.
/// @param mounts of /proc/mounts
std::vector<std::string> writable_mount_points(std::string_view mounts);

/// Calls `work` while the system's disks take no writes and are whole.
Result<void> while_frozen(GuestAgent& agent,
                          const std::function<Result<void>()>& work,
                          const CancelToken& cancel);

}  // namespace kiln
