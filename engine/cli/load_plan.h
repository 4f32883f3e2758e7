#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "engine/cli/cloud_flags.h"
#include "engine/cli/layer_flags.h"
#include "engine/cli/media_flags.h"
#include "engine/cli/network_flags.h"
#include "engine/cli/services.h"
#include "engine/cli/template_flags.h"
#include "engine/plan/plan.h"

namespace kiln {

/// The options that `plan` and `build` share, since a plan is what a build will do.
struct PlanFlags {
  TemplateFlags input;
  CloudFlags cloud;
  SandboxMode mode = SandboxMode::kAuto;
  SandboxOptions sandbox;
  std::optional<unsigned> memory_mib;
  NetworkFlags network;
  MediaFlags media;
  unsigned boot_timeout_minutes = 15;
  std::vector<std::string> generalize_skip;
  std::vector<std::string> generalize_also;
  unsigned step_timeout_minutes = 0;
  bool offline = false;
  std::filesystem::path uri_map;
  LayerFlags layers;

  void add_to(CLI::App& command);
};

struct LoadedPlan {
  Plan plan;
  std::string template_text;
};

/// Reads, checks and plans. Secrets of the template go to the redactor, errors after the first to
/// `services.other_errors`.
Result<LoadedPlan> load_plan(const PlanFlags& flags, Services& services);

}  // namespace kiln
