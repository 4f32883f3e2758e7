#pragma once

#include <string>
#include <vector>

#include "disk/inspect/image_session.h"
#include "disk/inspect/windows/windows_facts.h"
#include "engine/core/result.h"

namespace kiln {

/// What a generalized image must not hold, a sentence each: another image state than generalized,
/// the agent and its service, the build's account with its profile, and the scripts of steps and of
/// generalization. Changes nothing; nothing is mounted before or after.
/// @param facts of this image as it is now
Result<std::vector<std::string>> find_windows_residues(ImageSession& session,
                                                       const WindowsFacts& facts);

/// Removes those of them that are the scripts of steps and of generalization. Nothing is mounted
/// before or after.
Result<void> remove_windows_scripts(ImageSession& session, const WindowsFacts& facts);

}  // namespace kiln
