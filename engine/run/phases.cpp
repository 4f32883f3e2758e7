#include "engine/run/phases.h"

#include <algorithm>

#include "customizers/generalize/residues.h"
#include "disk/convert/fixed_vhd.h"
#include "disk/extents/mapped_source.h"
#include "engine/run/inputs.h"
#include "engine/run/keep_failed.h"
#include "engine/run/run_steps.h"
#include "engine/run/source_digest.h"

namespace kiln {
namespace {

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

/// Everything up to the finished disk is the customizers' failure.
Error keep_failed_build(Error error,
                        const WorkDisk& disk,
                        std::unique_ptr<Sandbox> sandbox,
                        const RunContext& context) {
  const auto& plan = context.plan;
  return keep_failed(
      std::move(error),
      {plan.checked.image_template.on_customizer_error, plan.sandbox, disk, std::move(sandbox)},
      context);
}

}  // namespace

Result<PreparedInputs> prepare(const RunContext& context) {
  const auto& plan = context.plan;
  const auto size = plan.disk_size().value();
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
                                   context.cancel,
                                   context.plan.grown_size()));
  return AttachedDisk{std::move(inputs), std::move(disk)};
}

Result<CustomizedDisk> customize(AttachedDisk attached, const RunContext& context) {
  std::unique_ptr<Sandbox> sandbox;
  const auto work = [&]() -> Result<void> {
    KILN_TRY_ASSIGN(sandbox,
                    start_sandbox(context, "customize", context.plan.sandbox, attached.disk));
    KILN_TRY(stage_deprovision_script(sandbox->agent(), context.cancel));
    return run_steps(context, "customize", context.plan.checked.steps, attached.inputs, *sandbox);
  };
  if (auto done = work(); !done) {
    return keep_failed_build(std::move(done).error(), attached.disk, std::move(sandbox), context);
  }
  return CustomizedDisk{std::move(attached.inputs), std::move(attached.disk), std::move(sandbox)};
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
  auto report = as_step(context, "generalize", "generalize", "deprovision", work);
  if (!report) {
    return keep_failed_build(
        std::move(report).error(), customized.disk, std::move(customized.sandbox), context);
  }
  return GeneralizedDisk{std::move(customized.inputs),
                         std::move(customized.disk),
                         std::move(customized.sandbox),
                         *std::move(report)};
}

Result<CheckedDisk> check(GeneralizedDisk generalized, const RunContext& context) {
  const auto work = [&]() -> Result<void> {
    KILN_TRY_ASSIGN(auto* tree, generalized.sandbox->seal());
    KILN_TRY_ASSIGN(const auto residues,
                    find_residues(*tree, {generalized.report.build_users, {}}));
    KILN_TRY(judge_residues(residues, context.plan.options.generalize_skip, context.events));
    return generalized.sandbox->finish();
  };
  if (auto done = work(); !done) {
    return keep_failed_build(
        std::move(done).error(), generalized.disk, std::move(generalized.sandbox), context);
  }
  return CheckedDisk{std::move(generalized.inputs), std::move(generalized.disk)};
}

Result<DistributeOutcome> distribute(ValidatedDisk validated, const RunContext& context) {
  KILN_TRY_ASSIGN(auto blocks,
                  open_mapped_source(context.runner,
                                     validated.disk.node(/*read_only=*/true),
                                     validated.disk.files(),
                                     context.folder.work(),
                                     context.cancel));
  DistributeOutcome outcome;
  if (validated.failure) {
    outcome.validated = false;
    outcome.errors.push_back(*std::move(validated.failure));
  }
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
