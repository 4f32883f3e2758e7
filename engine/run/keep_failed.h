#pragma once

#include <memory>

#include "engine/run/phases.h"

namespace kiln {

/// What is to be done about a failure, and about whose.
struct FailedDisk {
  OnError policy;
  std::string_view sandbox_name;  ///< in the sandbox registry
  const WorkDisk& disk;
  std::unique_ptr<Sandbox> sandbox;  ///< empty where it did not start
};

/// Where the policy is to abort, brings the disk to rest and keeps it; a cancelled build keeps
/// nothing. Shutting down has a time limit of its own, and all of it ends with the build's.
/// @return the error, with what could not be kept
Error keep_failed(Error error, FailedDisk failed, const RunContext& context);

}  // namespace kiln
