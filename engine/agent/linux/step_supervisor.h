#pragma once

#include <string>
#include <vector>

#include "engine/agent/linux/jobs.h"

namespace kiln::agent {

inline constexpr const char* kStandardPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// In new PID and mount namespaces: a /proc for the first, seen only in the second. Other mounts
/// that a step makes stay visible to later steps.
bool mount_own_proc();

struct Supervision {
  const RunRequest& run;
  const std::vector<std::string>& environment;
  const StepSettings& settings;
  int in;  ///< -1: standard input is empty
  int out;
  int err;
  int status;
};

/// The life of the supervisor, in the process made for it: starts the command, tells its status,
/// and sees to it that nothing is left of it.
[[noreturn]] void supervise(const Supervision& supervision);

}  // namespace kiln::agent
