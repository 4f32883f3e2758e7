#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "customizers/step_command.h"

namespace kiln {

/// The folder of what a step stages, as in the service, where clean-up of steps looks for it.
inline constexpr std::string_view kWindowsTemp = R"(C:\Windows\Temp)";

/// How the agent calls a file of Windows: `c:\a\b`, `c:/a/b` and, on drive C, `\a\b` and `/a/b`.
std::string windows_guest_path(std::string_view path);

/// Lines that end as in Windows, or by a newline alone.
std::vector<std::string> windows_lines(std::string_view text);

/// A random name that no other step has, in the form of a UUID.
std::string random_uuid();

/// A literal of PowerShell that means `text` whatever is in it.
std::string powershell_literal(std::string_view text);

/// A script as Windows PowerShell must have it on disk: without a byte order mark it reads UTF-8 as
/// the system's own code page. What is not UTF-8 is left as it is, and so is what has a mark.
std::string powershell_file(std::string_view script);

/// A file of cmd.exe that runs `command`: a command line of its own would not survive the quoting
/// of arguments.
std::string batch_file(std::string_view command);

/// Runs a script that is text of our own; its output arrives in UTF-8.
GuestCommand powershell_command(std::string_view script);

/// Runs the file at `path` as the service does: without progress bars, the exit code that of the
/// last program or of `exit`, 1 after `throw`.
/// @param arguments PowerShell text after the file's name
GuestCommand powershell_file_command(std::string_view path, std::string_view arguments = {});

/// Runs `path`, a file as batch_file makes it.
GuestCommand batch_command(std::string_view path);

/// Runs a few lines of PowerShell as SYSTEM and returns what they say. Fails only where they could
/// not be run to their end.
Result<GuestAnswer> ask_powershell(GuestAgent& agent,
                                   std::string_view script,
                                   const CancelToken& cancel);

/// Runs a program that restarts the system, and waits until that is back.
/// @param limit for the wait
Result<void> restart_windows(const StepContext& context,
                             StepProgram program,
                             std::chrono::milliseconds limit);

/// What an exit code of a program of Windows asks for; empty where it says nothing.
std::string windows_cure(int exit_code);

}  // namespace kiln
