#pragma once

#include <string>

#include <guestfs.h>

#include "disk/guestfs/guestfs_session.h"
#include "engine/core/result.h"

namespace kiln {

/// Everything that has to be said to a handle before it is launched.
/// @param console a file descriptor for the appliance's messages; it is read when they come, so it
///   lives as long as the handle
Result<void> configure_appliance(guestfs_h* g, const GuestfsOptions& options, int& console);

/// The error of the call that has just failed.
Error guestfs_error(guestfs_h* g, std::string doing);

}  // namespace kiln
