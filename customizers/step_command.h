#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "customizers/customizer.h"

namespace kiln {

/// Emits one line of a step's own words as its output.
void emit_step_line(const StepContext& context, GuestStream stream, std::string_view line);

/// Runs a step's program: its output becomes events line by line as it arrives, and anything but
/// exit code 0 an error that quotes the last lines.
/// @param module first half of the error's code: `Shell:ExitCode`, `Shell:Signal`, `Shell:Timeout`
/// @param what subject of the messages, e.g. `the script`
Result<void> run_step_command(const StepContext& context,
                              GuestCommand command,
                              std::string_view module,
                              std::string_view what);

/// What a short helper command in the guest answered.
struct GuestAnswer {
  int code = 0;
  std::string out;  ///< standard output, at most 64 KiB
};

/// Runs a few lines of POSIX shell in the guest, for what the agent cannot do itself; `arguments`
/// are `$1`, `$2`, …. Fails only where the shell could not be run to its end.
Result<GuestAnswer> ask_guest(GuestAgent& agent,
                              std::string_view script,
                              std::vector<std::string> arguments,
                              const CancelToken& cancel);

}  // namespace kiln
