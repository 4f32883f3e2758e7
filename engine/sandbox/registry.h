#pragma once

#include <span>
#include <string_view>

#include "engine/sandbox/sandbox.h"

namespace kiln {

/// A kind of sandbox. A new one is a folder and one line in registry.cpp.
struct SandboxBackend {
  std::string_view name;
  std::string_view help;
  Result<std::unique_ptr<Sandbox>> (*start)(const WorkDisk& disk,
                                            const SandboxOptions& options,
                                            const SandboxContext& context);
};

std::span<const SandboxBackend> sandbox_registry();

}  // namespace kiln
