#pragma once

#include <optional>
#include <string>

#include "engine/agent/messages.h"
#include "engine/agent/windows/handle.h"

namespace kiln::agent {

/// A running command and, in its job object, all that it starts.
struct Process {
  UniqueHandle process;
  UniqueHandle job;  ///< closing it ends them all
  UniqueHandle in;   ///< to the command's standard input, where it has one
  UniqueHandle out;
  UniqueHandle err;
};

struct StartFailure {
  std::string message;
  std::optional<int> exit_code;  ///< where the command is to blame: what shells say then
};

std::optional<StartFailure> start_process(const RunRequest& run, Process& process);

}  // namespace kiln::agent
