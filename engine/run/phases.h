#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "customizers/generalize/generalize.h"
#include "disk/workspace/work_disk.h"
#include "engine/core/fetcher.h"
#include "engine/plan/plan.h"
#include "engine/run/deadline.h"
#include "engine/run/deliver.h"
#include "engine/run/inputs.h"
#include "engine/run/layers/build_layers.h"
#include "engine/run/run_folder.h"
#include "engine/run/run_record.h"

namespace kiln {

/// What every phase works with. All members outlive the run.
struct RunContext {
  const Plan& plan;
  const RunFolder& folder;
  EventSink& events;
  CancelToken cancel;
  ProcessRunner& runner;
  Fetcher& fetcher;
  Redactor& redactor;
  RunRecord& record;
  std::filesystem::path cache_folder;
  std::filesystem::path output_folder;
  bool overwrite = false;
  bool keep_on_failure = false;
  bool distribute_later = false;
  const Deadline& deadline;  ///< what `cancel` comes from
  AzureAccess* azure = nullptr;
  BuildLayers* layers = nullptr;  ///< null where nothing is built
  bool reinstall = false;         ///< also where the system was installed before
};

// The typed values that phases hand on. Each phase takes its predecessor's value and nothing else,
// so a phase out of order does not compile:
//
//     prepare -> PreparedInputs        targets checked, remote inputs on their way
//     install -> InstalledSource       a source that is a disc installed, or taken as it is
//     attach -> AttachedDisk           read-only base + layers that fit + overlay
//     customize -> CustomizedDisk      steps done, sandbox still up
//     generalize -> GeneralizedDisk    deprovisioned, sandbox still up
//     check -> CheckedDisk             sealed, without residues, sandbox gone
//     validate -> ValidatedDisk        validators run on an overlay that is thrown away
//     distribute -> DistributeOutcome

struct PreparedInputs {
  std::shared_ptr<Inputs> files;                     ///< which may still be arriving
  std::optional<InstallOrder> order = std::nullopt;  ///< where the source is a disc
};

struct InstalledSource {
  PreparedInputs inputs;
  ImageInfo image;
};

struct AttachedDisk {
  PreparedInputs inputs;
  WorkDisk disk;
  std::size_t steps_done = 0;               ///< by layers
  std::filesystem::path saved_system = {};  ///< of the deepest layer; see SandboxContext
  /// What the check found of a disk that a layer has finished: there is nothing to customize.
  std::optional<std::vector<Residue>> checked = {};
};

struct CustomizedDisk {
  PreparedInputs inputs;
  WorkDisk disk;
  std::unique_ptr<Sandbox> sandbox;
};

struct GeneralizedDisk {
  PreparedInputs inputs;
  WorkDisk disk;
  std::unique_ptr<Sandbox> sandbox;
  GeneralizeReport report;
};

struct CheckedDisk {
  PreparedInputs inputs;
  WorkDisk disk;
};

struct ValidatedDisk {
  WorkDisk disk;
  std::optional<Error> failure;  ///< only where continueDistributeOnFailure lets it pass
};

/// The template's targets.
std::vector<Delivery> deliveries(const Plan& plan);
DeliveryServices delivery_services(const RunContext& context);

Result<PreparedInputs> prepare(const RunContext& context);
/// Only for a source that is a disc.
Result<InstalledSource> install(PreparedInputs inputs, const RunContext& context);
Result<AttachedDisk> attach(InstalledSource source, const RunContext& context);
Result<CustomizedDisk> customize(AttachedDisk attached, const RunContext& context);
Result<GeneralizedDisk> generalize(CustomizedDisk customized, const RunContext& context);
Result<CheckedDisk> check(GeneralizedDisk generalized, const RunContext& context);
/// Of a disk that a layer has finished: what was found then is judged again.
Result<CheckedDisk> check(AttachedDisk finished, const RunContext& context);
/// The checked disk is only read. An error is the first failed validator's, or tells why none
/// could run.
Result<void> validate(const CheckedDisk& checked, const RunContext& context);
/// For sourceValidationOnly: what is attached is the source itself, under an overlay.
Result<void> validate(const AttachedDisk& attached, const RunContext& context);
/// Without distribute_later to every target; with it the disk is made whole and kept.
Result<DistributeOutcome> distribute(ValidatedDisk validated, const RunContext& context);

}  // namespace kiln
