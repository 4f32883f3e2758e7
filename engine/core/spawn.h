#pragma once

#include <sys/types.h>

#include "engine/core/process_runner.h"
#include "engine/core/result.h"
#include "engine/core/unique_fd.h"

/// What process_runner.cpp is made of; nobody else needs it.
namespace kiln {

enum class StandardOutput { kCapture, kDiscard };

/// A child that leads a process group of its own.
struct Spawned {
  pid_t pid = -1;
  UniqueFd out;  ///< at its end at once where the output is discarded or goes to a file
  UniqueFd err;
};

Result<Spawned> spawn(const Command& command, StandardOutput use);

/// Whether it has ended; it is not reaped.
bool has_ended(pid_t leader);

/// Reaps a leader that has ended or is about to, and returns its exit code. What it left behind in
/// its group is killed first: until then the number of the group cannot belong to anybody else.
int reap(pid_t leader);

/// Ends a process group, SIGTERM first; returns the leader's exit code.
int end_group(pid_t leader);

}  // namespace kiln
