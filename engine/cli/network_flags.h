#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "engine/sandbox/sandbox.h"

namespace kiln {

/// `--network`, alone or with servers that alone can be reached.
struct NetworkFlags {
  std::vector<std::string> values;

  void add_to(CLI::App& command);
  /// Writes what was asked for into `options`.
  Result<void> apply(SandboxOptions& options) const;
};

/// `--connect`: another libvirt.
void add_connect_option(CLI::App& command, SandboxOptions& options);

}  // namespace kiln
