#include "engine/run/phases.h"

#include <algorithm>

#include "customizers/generalize/residues.h"
#include "disk/convert/fixed_vhd.h"
#include "disk/extents/mapped_source.h"
#include "engine/run/inputs.h"
#include "engine/run/source_digest.h"
#include "engine/sandbox/registry.h"

namespace kiln {
namespace {

/// Runs `work` as a step of `phase`, with its started and finished events.
template <class Work>
auto as_step(const RunContext& context,
             const std::string& phase,
             const std::string& id,
             const std::string& title,
             Work&& work) {
  ActivityScope scope(context.events, ActivityScope::Level::kStep, phase, id, title);
  auto result = work();
  if (result) {
    scope.succeeded();
  } else {
    scope.failed(result.error());
  }
  return result;
}

std::string title(const Customizer& customizer) {
  return customizer.name().empty() ? fmt::format("{}: {}", customizer.type(), customizer.describe())
                                   : fmt::format("{}: {}", customizer.type(), customizer.name());
}

const SandboxBackend& sandbox_backend(std::string_view name) {
  const auto backends = sandbox_registry();
  const auto found = std::find_if(
      backends.begin(), backends.end(), [&](const auto& backend) { return backend.name == name; });
  KILN_CHECK(found != backends.end());  // the plan chose it from this very table
  return *found;
}

/// The template's name; where several targets would take it, each its run output's, which no other
/// has.
std::string suggested_name(const Plan& plan, const PlannedTarget& target) {
  const auto& targets = plan.checked.targets;
  const auto takers = std::count_if(targets.begin(), targets.end(), [](const auto& one) {
    return one.distributor->takes_suggested_name();
  });
  return takers > 1 ? target.distributor->run_output_name() : plan.checked.image_template.name;
}

DistributeContext distribute_context(const RunContext& context, const PlannedTarget& target) {
  return {context.events,
          target.id,
          context.cancel,
          context.redactor,
          context.output_folder,
          context.overwrite,
          suggested_name(context.plan, target)};
}

StepContext step_context(const RunContext& context,
                         GuestAgent& agent,
                         std::string phase,
                         std::string id) {
  return {agent,
          context.events,
          std::move(phase),
          std::move(id),
          {},
          context.plan.options.step_time_limit,
          context.cancel};
}

}  // namespace

Result<PreparedInputs> prepare(const RunContext& context) {
  const auto& plan = context.plan;
  const auto size = azure_virtual_size(plan.source_image.virtual_size);
  std::vector<std::filesystem::path> partial_files;
  for (const auto& target : plan.checked.targets) {
    const auto target_context = distribute_context(context, target);
    KILN_TRY_WHILE(target.distributor->check(target_context, size),
                   "checking the target {} before any work",
                   target.distributor->run_output_name());
    for (auto& file : target.distributor->partial_files(target_context)) {
      if (std::find(partial_files.begin(), partial_files.end(), file) != partial_files.end()) {
        return fail(ErrorKind::kInvalidTemplate,
                    "Run:SameTarget",
                    "the target {} would write the same file as an earlier one",
                    target.distributor->run_output_name())
            .cure("give it a uri of its own");
      }
      partial_files.push_back(std::move(file));
    }
  }
  context.record.set_partial_files(partial_files);
  KILN_TRY(verify_source(plan.source, context.cache_folder, context.cancel));
  KILN_TRY_ASSIGN(auto files,
                  fetch_inputs(plan,
                               context.fetcher,
                               context.folder.inputs(),
                               context.record,
                               context.events,
                               context.cancel));
  return PreparedInputs{std::move(files)};
}

Result<AttachedDisk> attach(PreparedInputs inputs, const RunContext& context) {
  KILN_TRY_ASSIGN(auto disk,
                  WorkDisk::create(context.runner,
                                   context.plan.source_image,
                                   context.folder.work() / "overlay.qcow2",
                                   context.cancel));
  return AttachedDisk{std::move(inputs), std::move(disk)};
}

Result<CustomizedDisk> customize(AttachedDisk attached, const RunContext& context) {
  const SandboxContext sandbox_context{
      context.runner, context.events, context.cancel, context.folder.work(), context.cache_folder};
  auto started = as_step(context, "customize", "sandbox", "start the sandbox", [&] {
    return sandbox_backend(context.plan.sandbox)
        .start(attached.disk, context.plan.options.sandbox, sandbox_context);
  });
  KILN_TRY_ASSIGN(auto sandbox, std::move(started));
  notice(context.events, "found " + sandbox->system().pretty_name, "customize");
  KILN_TRY(stage_deprovision_script(sandbox->agent(), context.cancel));
  for (const auto& step : context.plan.checked.steps) {
    const auto& customizer = *step.customizer;
    KILN_TRY_WHILE(as_step(context,
                           "customize",
                           step.id,
                           title(customizer),
                           [&] {
                             auto step_run =
                                 step_context(context, sandbox->agent(), "customize", step.id);
                             step_run.inputs = attached.inputs.files;
                             step_run.restart = [&](std::chrono::milliseconds limit) {
                               return sandbox->restart(limit);
                             };
                             return customizer.run(step_run);
                           }),
                   "running step {} of {} ({})",
                   step.id,
                   context.plan.checked.steps.size(),
                   title(customizer));
  }
  return CustomizedDisk{std::move(attached.disk), std::move(sandbox)};
}

Result<GeneralizedDisk> generalize(CustomizedDisk customized, const RunContext& context) {
  auto& sandbox = *customized.sandbox;
  const auto& options = context.plan.options;
  const auto work = [&]() -> Result<GeneralizeReport> {
    KILN_TRY_ASSIGN(
        auto made,
        run_deprovision(step_context(context, sandbox.agent(), "generalize", "generalize")));
    KILN_TRY(sandbox.rest());
    KILN_TRY(run_generalize_operations(
        step_context(context, sandbox.agent(), "generalize", "generalize"),
        made,
        options.generalize_skip,
        options.generalize_also));
    return made;
  };
  KILN_TRY_ASSIGN(auto report, as_step(context, "generalize", "generalize", "deprovision", work));
  return GeneralizedDisk{
      std::move(customized.disk), std::move(customized.sandbox), std::move(report)};
}

Result<CheckedDisk> check(GeneralizedDisk generalized, const RunContext& context) {
  KILN_TRY_ASSIGN(auto* tree, generalized.sandbox->seal());
  KILN_TRY_ASSIGN(const auto residues, find_residues(*tree, {generalized.report.build_users, {}}));
  KILN_TRY(judge_residues(residues, context.plan.options.generalize_skip, context.events));
  KILN_TRY(generalized.sandbox->finish());
  return CheckedDisk{std::move(generalized.disk)};
}

Result<DistributeOutcome> distribute(CheckedDisk checked, const RunContext& context) {
  KILN_TRY_ASSIGN(auto blocks,
                  open_mapped_source(context.runner,
                                     checked.disk.node(/*read_only=*/true),
                                     checked.disk.files(),
                                     context.folder.work(),
                                     context.cancel));
  DistributeOutcome outcome;
  for (const auto& target : context.plan.checked.targets) {
    const auto& distributor = *target.distributor;
    FinishedDisk disk{*blocks, suggested_name(context.plan, target)};
    auto delivered =
        as_step(context,
                "distribute",
                target.id,
                fmt::format("{}: {}", distributor.type(), distributor.run_output_name()),
                [&] { return distributor.distribute(disk, distribute_context(context, target)); });
    if (delivered) {
      context.record.add_output(*delivered);
      outcome.artifacts.push_back(*std::move(delivered));
    } else {
      outcome.errors.push_back(std::move(delivered).error().while_doing(
          fmt::format("distributing {}", distributor.run_output_name())));
    }
    KILN_TRY(context.cancel.check());
  }
  return outcome;
}

}  // namespace kiln
