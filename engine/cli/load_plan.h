#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "engine/cli/services.h"
#include "engine/plan/plan.h"

namespace kiln {

/// The options that `plan` and `build` share, since a plan is what a build will do.
struct PlanFlags {
  std::filesystem::path template_path;
  SandboxOptions sandbox;
  std::vector<std::string> generalize_skip;
  std::vector<std::string> generalize_also;
  unsigned step_timeout_minutes = 0;

  void add_to(CLI::App& command);
};

struct LoadedPlan {
  Plan plan;
  std::string template_text;
};

/// Reads, checks and plans.
Result<LoadedPlan> load_plan(const PlanFlags& flags, const Settings& settings);

}  // namespace kiln
