#pragma once

#include <string>
#include <vector>

#include "engine/agent/account.h"

namespace kiln::simulator {

/// Stands in for the programs of Windows that Kiln starts; output goes to our own streams.
/// @param argv as the host asked for it
/// @return the exit code; 127 for a program that this Windows does not have
int run_program(const std::vector<std::string>& argv, Account account);

/// powershell.exe: understands what Kiln itself says to it, and of scripts the few statements that
/// powershell.cpp lists; anything else has no effect and is noted.
int run_powershell(const std::vector<std::string>& argv, Account account);

/// Sysprep.exe: sets the state of the image, or fails as the scenario says.
int run_sysprep(const std::string& arguments);
std::string image_state();

/// A round of Kiln's update program.
/// @param arguments as they stand behind its path
int run_update_round(const std::string& arguments);

/// shutdown.exe, and Restart-Computer.
int run_shutdown(const std::vector<std::string>& arguments);

}  // namespace kiln::simulator
