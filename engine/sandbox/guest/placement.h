#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "disk/inspect/image_session.h"
#include "engine/agent/guest_agent.h"

namespace kiln {

/// What starts and ends the image's system. With sysvinit it does not matter who runs the scripts,
/// sysv-rc or OpenRC.
enum class InitSystem { kSystemd, kSysvinit };

/// What was put into an image for the time that it is booted. `paths` are to be removed, in this
/// order, when the image's system is down; the first is the agent's folder.
struct Placement {
  InitSystem init = InitSystem::kSystemd;
  std::vector<std::string> paths;
};

/// The agent, in the image.
std::string agent_program(const Placement& placement);

/// An inittab in which `program` is started once, as the last of all: init has waited for
/// everything that it waits for, so the system is up. init takes no command of more than 127
/// characters. A program that goes into the background is not known to init, so a shutdown does not
/// end it before the last moment.
std::string inittab_with_agent(std::string_view inittab, const std::string& program);
std::string inittab_without_agent(std::string_view inittab);

/// Puts the agent and the unit or the line of inittab that starts it into a mounted image, and
/// keeps cloud-init from provisioning this machine: without a network card and without Azure's
/// answers it would wait for them for twenty minutes. Images with another init are refused.
/// @param folder of the agent, in the image's root; must not exist
Result<Placement> place_agent(ImageSession& session, const std::string& folder);

/// Takes all of it out of the image at rest, which `agent` works on.
Result<void> take_out(const Placement& placement, GuestAgent& agent, const CancelToken& cancel);

}  // namespace kiln
