#pragma once

#include <string>
#include <vector>

#include "disk/inspect/image_session.h"

namespace kiln {

/// What was put into an image for the time that it is booted. `paths` are to be removed, in this
/// order, when the image's system is down.
struct Placement {
  std::vector<std::string> paths;
};

/// Puts the agent and the unit that starts it into a mounted image, and keeps cloud-init from
/// provisioning this machine: without a network card and without Azure's answers it would wait for
/// them for twenty minutes. Only systemd images; others are refused.
/// @param folder of the agent, in the image's root; must not exist
Result<Placement> place_agent(ImageSession& session, const std::string& folder);

}  // namespace kiln
