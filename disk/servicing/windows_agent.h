#pragma once

#include <string>
#include <string_view>

#include "disk/inspect/image_session.h"
#include "disk/inspect/windows/windows_facts.h"
#include "engine/core/result.h"

namespace kiln {

/// Where the agent's program is in the image, as Windows spells it.
inline constexpr std::string_view kWindowsAgentPath = R"(C:\Windows\Kiln\kiln-agent.exe)";
/// The key of its service under `Services`; the agent removes itself by this name too.
inline constexpr std::string_view kWindowsAgentService = "KilnAgent";
/// The agent's folder within that of Windows.
inline constexpr std::string_view kWindowsAgentFolder = "Kiln";

/// The key of the service in the hive SYSTEM.
std::string windows_agent_key(const std::string& control_set);

/// Puts the agent into the image as a service that starts with the system; what a broken build left
/// of one is replaced. Only SYSTEM and administrators may touch it there. Nothing is mounted before
/// or after.
/// @param facts of this image as it is now
/// @param program the agent
/// @return a refusal of `facts`; `Windows:ForeignFolder` where \Windows\Kiln is not ours
Result<void> place_windows_agent(ImageSession& session,
                                 const WindowsFacts& facts,
                                 std::string_view program);

/// Takes out the program and the service, from whichever control set, wherever one of them is still
/// there. Nothing is mounted before or after.
Result<void> remove_windows_agent(ImageSession& session, const WindowsFacts& facts);

}  // namespace kiln
