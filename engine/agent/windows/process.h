#pragma once

#include <optional>
#include <string>

#include "engine/agent/messages.h"
#include "engine/agent/windows/administrator.h"
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

/// @param as whom; LocalSystem where null. Borrowed until the command's end
std::optional<StartFailure> start_process(const RunRequest& run, const LogOn* as, Process& process);

}  // namespace kiln::agent
