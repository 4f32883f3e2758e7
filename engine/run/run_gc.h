#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/core/result.h"

namespace kiln {

struct GcOptions {
  /// Also removes whole runs that ended longer ago than this.
  std::optional<std::chrono::hours> older_than;
  bool dry_run = false;
};

struct GcReport {
  std::vector<std::string> interrupted;  ///< runs marked as failed, because their process died
  std::vector<std::filesystem::path> removed;  ///< files and folders
  std::uint64_t bytes = 0;                     ///< what the host's disk got back
};

/// Restores a clean state after kill -9 or a power cut: ends the record of runs whose process is
/// gone, and removes their work folders and partial outputs. Runs that are alive are left alone.
Result<GcReport> collect_garbage(const std::filesystem::path& state_folder,
                                 const GcOptions& options);

}  // namespace kiln
