#pragma once

#include <cstdint>
#include <functional>
#include <span>
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

/// A step's program whose exit codes mean what the step says.
struct StepProgram {
  GuestCommand command;
  std::string_view module;  ///< first half of the error's code
  std::string_view what;    ///< subject of the messages
  std::span<const std::int64_t> valid_exit_codes;
  /// What an exit code that is not valid asks for; empty where it says nothing.
  std::string (*cure)(int exit_code);
};

/// As run_step_command; returns the exit code, one of the valid ones.
Result<int> run_step_program(const StepContext& context, StepProgram program);

/// A file that is in the guest while a step uses it.
struct GuestFile {
  std::string path;  ///< as the agent takes it
  std::string contents;
  unsigned mode = 0644;
  std::string_view what;  ///< for messages, e.g. `the step's script`
};

/// Puts the file into the guest, calls `use` and removes it whatever happened.
Result<void> with_guest_file(const StepContext& context,
                             const GuestFile& file,
                             const std::function<Result<void>()>& use);

/// What a short helper command in the guest answered.
struct GuestAnswer {
  int code = 0;
  std::string out;  ///< standard output, at most 64 KiB
};

/// Runs a short command in the guest. Its time limit is five minutes where it has none. Fails only
/// where it could not be run to its end.
Result<GuestAnswer> ask_command(GuestAgent& agent, GuestCommand command, const CancelToken& cancel);

/// Runs a few lines of POSIX shell in the guest, for what the agent cannot do itself; `arguments`
/// are `$1`, `$2`, ….
Result<GuestAnswer> ask_guest(GuestAgent& agent,
                              std::string_view script,
                              std::vector<std::string> arguments,
                              const CancelToken& cancel);

}  // namespace kiln
