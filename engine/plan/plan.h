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
#include "engine/core/uri_map.h"
#include "engine/installers/installer.h"
#include "engine/sandbox/sandbox.h"
#include "engine/template/image_template.h"
#include "uploaders/cloud/cloud.h"
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

/// Where steps run: in the mounted image, or in its own booted system.
enum class SandboxMode { kAuto, kMount, kBoot };

/// What the user chose beside the template.
struct PlanOptions {
  SandboxMode mode = SandboxMode::kAuto;
  std::filesystem::path catalog;
  std::filesystem::path template_folder;  ///< relative paths in the template start here
  SandboxOptions sandbox;
  std::optional<unsigned> memory_mib;        ///< else what suits the image's system
  std::vector<std::string> generalize_skip;  ///< operations switched off by name
  std::vector<std::string> generalize_also;  ///< operations that are off by default, switched on
  std::optional<std::chrono::milliseconds> step_time_limit;
  bool offline = false;  ///< nothing is fetched over the network
  UriMap uri_map;        ///< files that stand for remote URIs
  Cloud cloud;           ///< where targets in Azure go; without a name nothing is known of it
  std::string cloud_chosen_by = "default";  ///< an option's or a variable's name
  bool staging_container = false;           ///< there is one for what images are made of
};

/// A template after every registry's parser has run over it; without errors in
/// `image_template.found`, every type is known and every field understood.
struct CheckedTemplate {
  ImageTemplate image_template;
  std::unique_ptr<Source> source;
  std::vector<PlannedStep> steps;
  std::vector<PlannedStep> validations;  ///< of `inVMValidations`; ids are `validate-01`, …
  std::vector<PlannedTarget> targets;
  nlohmann::json canonical;  ///< the whole resource in the newest version's spelling
};

/// A source that has to be installed from a disc before anything else.
struct PlannedInstall {
  /// Of a disc that is yet to be fetched `media` is empty.
  InstallOrder order;
  std::string fetch;                      ///< URI of such a disc; empty where it is on this machine
  std::vector<OfflineMedium> media = {};  ///< ISOs and folders that the installer is given, too
};

/// Everything a build will do, decided before it does anything.
struct Plan {
  CheckedTemplate checked;
  ResolvedSource source;           ///< its path is empty where the source is not on this machine
  ImageInfo source_image;          ///< likewise
  std::string sandbox;             ///< name in the sandbox registry
  std::string sandbox_reason;      ///< why this one
  std::string validation_sandbox;  ///< where `inVMValidations` run, likewise
  std::string validation_reason;
  PlanOptions options;
  /// Why it cannot be built here and now: parts that this version does not run yet, a source that
  /// is not on this machine. Empty for a plan that `run_build` takes.
  std::vector<Error> blockers;
  /// For a source of type ISO; `source_image` is then the disc, as large as what is installed.
  std::optional<PlannedInstall> install = std::nullopt;

  /// False for sourceValidationOnly: the source itself is validated; there are no steps and no
  /// targets.
  [[nodiscard]] bool builds() const { return !checked.image_template.validate.source_only; }
  [[nodiscard]] bool boots() const { return sandbox != "appliance"; }
  /// The system in the image: as the source says, else the first that a step asks for.
  [[nodiscard]] StepSystem image_system() const;
  [[nodiscard]] bool is_windows() const { return image_system() == StepSystem::kWindows; }
  /// Why `step` runs where it does; for a person.
  [[nodiscard]] std::string_view why_there(const PlannedStep& step) const;
  /// Whether any target goes to the resource manager of `options.cloud`.
  [[nodiscard]] bool needs_cloud() const;
  [[nodiscard]] bool source_found() const { return !source.path.empty(); }
  /// What targets in Azure have to know.
  [[nodiscard]] ImageTraits image_traits() const;
  /// Bytes of the disk that is built; nothing where neither source nor template says.
  [[nodiscard]] std::optional<std::uint64_t> disk_size() const;
  /// The same where it is more than the source has.
  [[nodiscard]] std::optional<std::uint64_t> grown_size() const;
};

/// Runs every registry's parser over the template. Reads nothing but the template. All that is
/// wrong is in `image_template.found` of the result.
CheckedTemplate examine_items(ImageTemplate image_template);
/// The same for who wants a sound template or the first error.
/// @param others takes the errors after the first; may be null
Result<CheckedTemplate> check_template(ImageTemplate image_template,
                                       std::vector<Error>* others = nullptr);

/// What was accepted although it means nothing on this machine.
std::vector<std::string> notices(const CheckedTemplate& checked);
/// What is probably not what was meant.
std::vector<std::string> warnings(const Plan& plan);

/// Resolves the source and chooses the sandbox. Reads the catalog and the image's headers. A plan
/// is made even where the source is missing or a part cannot run yet; `blockers` says so.
Result<Plan> make_plan(CheckedTemplate checked, PlanOptions options);

/// For a person, one fact a line.
std::string describe_plan(const Plan& plan);
/// The same for a program. Equal plans give equal text, so its digest names the plan.
nlohmann::json plan_to_json(const Plan& plan);

}  // namespace kiln
