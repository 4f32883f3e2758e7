#pragma once

#include <string>
#include <vector>

#include "disk/inspect/image_session.h"
#include "disk/inspect/windows/windows_facts.h"

namespace kiln {

/// `Windows Server 2022 Datacenter 21H2 (10.0.20348.1234, ServerDatacenter, generation 2)`, fit for
/// a terminal.
std::string describe(const WindowsFacts& facts);

/// Why a disk with Windows is not taken for one of Linux: the refusal that was found without
/// looking into it, with what the disk says of itself where the session can read that. What forbids
/// to service it is quoted.
/// @param refusal as plan_mounts gives it; any but `Inspect:WindowsRoot` is returned as it is
Error refuse_windows(ImageSession& session,
                     const std::vector<FileSystem>& file_systems,
                     Error refusal);

}  // namespace kiln
