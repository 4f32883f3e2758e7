#pragma once

#include <string>
#include <sys/types.h>

#include "engine/agent/linux/jobs.h"
#include "engine/core/unique_fd.h"

namespace kiln::agent {

/// What the supervisor writes when the command itself has ended.
struct StepStatus {
  int wait_status = 0;
};

/// A running command under its supervisor: PID 1 of a namespace of its own where the kernel can,
/// else a subreaper. The supervisor ends when the command ends, and everything the command started
/// has ended when the supervisor has.
struct Step {
  pid_t supervisor = -1;
  bool own_namespace = false;
  UniqueFd in;  ///< to the command's standard input, where it has one; a terminal's other side
  UniqueFd out;
  UniqueFd err;
  UniqueFd status;  ///< a StepStatus, then end of file
};

/// Whether processes can be started in PID and mount namespaces of their own.
bool pid_namespaces_work();

/// @return an empty string, or what failed
std::string start_step(const RunRequest& run, const StepSettings& settings, Step& step);

/// Only where the step has a terminal.
void set_terminal_size(const Step& step, const TerminalSize& size);

/// Asks for the end of everything in the step; the supervisor can be waited for afterwards.
void kill_step(const Step& step);

}  // namespace kiln::agent
