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
  /// Also removes the disks that runs kept or have not distributed, and lets old such runs go.
  bool kept = false;
  bool dry_run = false;
};

struct KeptFiles {
  std::filesystem::path path;
  std::uint64_t bytes = 0;  ///< on the host's disk
};

/// What a folder with everything below it occupies on the host's disk.
std::uint64_t allocated_below(const std::filesystem::path& folder);

struct GcReport {
  std::vector<std::string> interrupted;  ///< runs marked as failed, because their process died
  std::vector<std::filesystem::path> removed;  ///< files and folders
  std::uint64_t bytes = 0;                     ///< what the host's disk got back
  std::vector<KeptFiles> kept;                 ///< left alone, as nobody asked for their end
};

/// Restores a clean state after kill -9 or a power cut: ends the record of runs whose process is
/// gone, and removes their work folders and partial outputs. Runs that are alive are left alone.
/// Disks that a run kept or has not distributed are too, unless asked for, and so are the journals
/// of uploads that were cut off. An upload that nobody goes on with leaves a blob without a footer
/// at its target, which is its owner's to delete.
Result<GcReport> collect_garbage(const std::filesystem::path& state_folder,
                                 const GcOptions& options);

}  // namespace kiln
