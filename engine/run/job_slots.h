#pragma once

#include <cstdint>
#include <filesystem>

#include "engine/core/cancel.h"
#include "engine/core/event.h"
#include "engine/core/result.h"
#include "engine/core/unique_fd.h"

namespace kiln {

/// How many builds of a user may have virtual machines on this host at once, and with how much
/// memory together. The first one may always.
struct JobLimits {
  unsigned slots = 0;            ///< 0: any number, and any memory
  std::uint64_t memory_mib = 0;  ///< of all together
};

/// One for each processor, as a build's machine keeps one busy, and four fifths of the memory.
JobLimits host_job_limits();

/// Where all builds of this user on this host find each other; no other user may write there.
Result<std::filesystem::path> job_folder();

/// Files of which each is one build's while it holds its lock (flock), so a killed build's is free.
class JobSlots {
 public:
  JobSlots(std::filesystem::path folder, JobLimits limits)
      : folder_(std::move(folder)), limits_(limits) {}

  /// Waits for a free one, and says so where that takes a while.
  /// @param memory_mib what the build's virtual machine will have
  /// @return it is taken until this is closed; empty where nothing is limited
  Result<UniqueFd> take(std::uint64_t memory_mib, EventSink& events, const CancelToken& cancel);

 private:
  /// Nothing in the file descriptor where none is free now.
  Result<UniqueFd> try_take(std::uint64_t memory_mib);

  std::filesystem::path folder_;
  JobLimits limits_;
};

}  // namespace kiln
