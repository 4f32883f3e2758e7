#pragma once

#include <cstdint>
#include <memory>
#include <poll.h>
#include <string>
#include <vector>

#include "engine/agent/linux/forwarder.h"
#include "engine/agent/session/job.h"

namespace kiln::agent {

struct Waits {
  std::vector<pollfd> polled;
};

/// How steps are run, fixed for the session.
struct StepSettings {
  bool mount_mode = false;         ///< the image's root is not a running system
  bool pid_namespaces = true;      ///< false: process group and subreaper
  bool may_leave_daemons = false;  ///< what runs is Kiln's own, and what it leaves is wanted
  std::string tools_folder;        ///< of our own programs for steps; first on their PATH
};

std::unique_ptr<Job> make_run_job(std::uint32_t request,
                                  const RunRequest& run,
                                  const StepSettings& settings);
std::unique_ptr<Job> make_put_job(std::uint32_t request, const PutRequest& put);
std::unique_ptr<Job> make_get_job(std::uint32_t request, const GetRequest& get);
std::unique_ptr<Job> make_clock_job(std::uint32_t request, const ClockSetting& setting);
std::unique_ptr<Job> make_freeze_job(std::uint32_t request, const FreezeRequest& freeze);
std::unique_ptr<Job> make_forward_job(std::uint32_t request,
                                      const ForwardRequest& forward,
                                      Forwarder& forwarder);
std::unique_ptr<Job> make_remove_job(std::uint32_t request, const RemoveRequest& remove);

/// The code for what errno says now.
ErrorCode error_code_from_errno();

}  // namespace kiln::agent
