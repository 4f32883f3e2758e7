#pragma once

#include <cstdint>
#include <memory>
#include <vector>
#include <windows.h>

#include "engine/agent/session/job.h"
#include "engine/agent/windows/administrator.h"

namespace kiln::agent {

struct Waits {
  std::vector<HANDLE> handles;  ///< the loop wakes when one is signalled
};

/// @param as whom; LocalSystem where null
std::unique_ptr<Job> make_run_job(std::uint32_t request,
                                  const RunRequest& run,
                                  std::unique_ptr<LogOn> as);
std::unique_ptr<Job> make_put_job(std::uint32_t request, const PutRequest& put);
std::unique_ptr<Job> make_get_job(std::uint32_t request, const GetRequest& get);
std::unique_ptr<Job> make_remove_job(std::uint32_t request, const RemoveRequest& remove);
std::unique_ptr<Job> make_clock_job(std::uint32_t request, const ClockSetting& setting);

}  // namespace kiln::agent
