#pragma once

#include <filesystem>
#include <vector>

#include <CLI/CLI.hpp>

#include "engine/sandbox/sandbox.h"

namespace kiln {

/// `--media PATH`, once for each disc or folder that steps may read.
struct MediaFlags {
  std::vector<std::filesystem::path> paths;

  void add_to(CLI::App& command);
  /// Looks whether each can be attached, and names it.
  Result<void> apply(SandboxOptions& options) const;
};

}  // namespace kiln
