#pragma once

#include <string>

namespace kiln::simulator {

/// Why the service manager of Windows could not start the agent; empty where it could. It looks at
/// what Kiln has put on the disk: the entry, and the program that the entry names.
std::string service_fault();

/// What `kiln-agent.exe --remove` does: the entry, the account with its profile, the program.
/// @return an error, or nothing
std::string remove_service();

/// The account that steps run as which do not run as SYSTEM.
std::string make_account();

}  // namespace kiln::simulator
