#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/core/fetcher.h"
#include "engine/core/process_runner.h"
#include "engine/core/redact.h"
#include "engine/plan/plan.h"
#include "engine/run/job_slots.h"
#include "engine/run/layers/layer_keys.h"
#include "engine/run/run_record.h"

namespace kiln {

/// What a build needs from its caller. All references outlive the build.
struct BuildServices {
  ProcessRunner& runner;
  Fetcher& fetcher;
  Redactor& redactor;
  EventSink& display;  ///< a terminal or JSON lines
  CancelToken cancel;
  AzureAccess* azure = nullptr;  ///< null where no target goes to Azure's resource manager
};

struct BuildOptions {
  std::filesystem::path state_folder;
  std::filesystem::path cache_folder;
  std::filesystem::path output_folder;
  std::string template_text;
  bool overwrite = false;
  bool keep_on_failure = false;   ///< as errorHandling's abort, for customizers and validators
  bool distribute_later = false;  ///< deliver nothing; keep the disk in one piece
  LayerPolicy layers = {};
  JobLimits jobs = {};
  bool reinstall = false;  ///< from a source that is a disc, also where that was done before
};

struct BuildReport {
  std::string run_id;
  std::filesystem::path run_folder;
  RunState state = RunState::kFailed;
  std::vector<Artifact> artifacts = {};
  std::vector<Error> errors = {};  ///< empty exactly when state is kSucceeded
  bool kept = false;               ///< the disk, for `kiln shell`
  bool to_distribute = false;      ///< a finished disk is left, for `kiln distribute`
  bool validated = true;           ///< false: failed, whatever was distributed all the same
};

/// Runs a plan to its end. An error here means that not even a run folder could be made; whatever
/// happens later is in the report and in the run's record.
Result<BuildReport> run_build(const Plan& plan,
                              const BuildOptions& options,
                              const BuildServices& services);

}  // namespace kiln
