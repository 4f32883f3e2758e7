#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "customizers/customizer.h"
#include "disk/image/image_info.h"
#include "disk/sources/source.h"
#include "engine/sandbox/sandbox.h"
#include "engine/template/image_template.h"
#include "uploaders/distributor.h"

namespace kiln {

/// One customizer with the identifier that events, logs and messages use for it.
struct PlannedStep {
  std::string id;  ///< `customize-01`
  std::unique_ptr<Customizer> customizer;
};

/// One distributor, likewise.
struct PlannedTarget {
  std::string id;  ///< `distribute-01`
  std::unique_ptr<Distributor> distributor;
};

/// What the user chose beside the template.
struct PlanOptions {
  std::filesystem::path catalog;
  std::filesystem::path template_folder;  ///< relative paths in the template start here
  SandboxOptions sandbox;
  std::vector<std::string> generalize_skip;  ///< operations switched off by name
  std::vector<std::string> generalize_also;  ///< operations that are off by default, switched on
  std::optional<std::chrono::milliseconds> step_time_limit;
};

/// A template whose every type is known and whose every field is understood.
struct CheckedTemplate {
  ImageTemplate image_template;
  std::unique_ptr<Source> source;
  std::vector<PlannedStep> steps;
  std::vector<PlannedTarget> targets;
};

/// Everything a build will do, decided before it does anything.
struct Plan {
  CheckedTemplate checked;
  ResolvedSource source;
  ImageInfo source_image;
  std::string sandbox;         ///< name in the sandbox registry
  std::string sandbox_reason;  ///< why this one
  PlanOptions options;
};

/// Runs every registry's parser over the template. Reads nothing but the template.
Result<CheckedTemplate> check_template(ImageTemplate image_template);

/// What was accepted although it means nothing on this machine.
std::vector<std::string> notices(const CheckedTemplate& checked);

/// Resolves the source and chooses the sandbox. Reads the catalog and the image's headers.
Result<Plan> make_plan(CheckedTemplate checked, PlanOptions options);

/// For a person, one fact a line.
std::string describe_plan(const Plan& plan);
/// The same for a program. Equal plans give equal text, so its digest names the plan.
nlohmann::json plan_to_json(const Plan& plan);

}  // namespace kiln
