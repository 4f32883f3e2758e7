#include "engine/run/phases.h"

#include "customizers/generalize/residues.h"
#include "engine/run/install/install.h"
#include "engine/run/install/obtain_disc.h"
#include "engine/run/keep_failed.h"
#include "engine/run/run_steps.h"
#include "engine/run/source_digest.h"

namespace kiln {
namespace {

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

/// Where a saved system does not go on, all steps are done once more, without layers below them.
Result<std::unique_ptr<Sandbox>> start_to_customize(AttachedDisk& attached,
                                                    const RunContext& context) {
  const auto start = [&] {
    return start_sandbox(
        context, "customize", context.plan.sandbox, attached.disk, attached.saved_system);
  };
  auto sandbox = start();
  if (sandbox || sandbox.error().code() != kNotResumed) return sandbox;
  warning(context.events,
          sandbox.error().summary() + "; the build begins with the first step again");
  KILN_TRY_ASSIGN(attached.disk, context.layers->begin_anew(context));
  attached.steps_done = 0;
  attached.saved_system.clear();
  return start();
}

/// The disc of an installation; any other source is there, and may have to be verified.
Result<std::optional<InstallOrder>> obtain_source(const RunContext& context) {
  const auto& plan = context.plan;
  if (!plan.install) {
    KILN_TRY(verify_source(plan.source, context.cache_folder, context.cancel));
    return std::optional<InstallOrder>();
  }
  KILN_TRY_ASSIGN(auto order,
                  obtain_disc(plan,
                              context.fetcher,
                              context.folder.work(),
                              context.cache_folder,
                              context.events,
                              context.cancel));
  return std::optional(std::move(order));
}

Result<void> stage_script(GuestAgent& agent, const RunContext& context) {
  return context.plan.is_windows() ? stage_windows_deprovision_script(agent, context.cancel)
                                   : stage_deprovision_script(agent, context.cancel);
}

/// What the agent made goes first: sysprep seals what is there.
Result<GeneralizeReport> generalize_windows(Sandbox& sandbox, const RunContext& context) {
  KILN_TRY(sandbox.withdraw());
  KILN_TRY(
      run_windows_deprovision(step_context(context, sandbox.agent(), "generalize", "generalize")));
  KILN_TRY(sandbox.rest());
  return GeneralizeReport{};
}

Result<std::vector<Residue>> residues_of(const SealedImage& sealed,
                                         const GeneralizeReport& report) {
  if (!sealed.windows_residues) return find_residues(*sealed.files, {report.build_users, {}});
  std::vector<Residue> residues;
  for (const auto& each : *sealed.windows_residues) residues.push_back({"Windows", each, {}});
  return residues;
}

}  // namespace

Result<PreparedInputs> prepare(const RunContext& context) {
  const auto& plan = context.plan;
  // What is to be distributed later may have no network yet.
  if (!context.distribute_later) {
    KILN_TRY(
        check_deliveries(deliveries(plan), delivery_services(context), plan.disk_size().value()));
  }
  KILN_TRY_ASSIGN(auto files,
                  Inputs::fetch(plan,
                                context.folder.inputs(),
                                {context.fetcher, context.record, context.events, context.cancel}));
  KILN_TRY_ASSIGN(auto order, while_inputs_arrive(context, *files, obtain_source));
  return PreparedInputs{std::move(files), std::move(order)};
}

Result<InstalledSource> install(PreparedInputs inputs, const RunContext& context) {
  KILN_CHECK(inputs.order.has_value());
  KILN_TRY_ASSIGN(auto image,
                  while_inputs_arrive(context, *inputs.files, [&](const RunContext& until) {
                    return install_from_disc(*inputs.order, until);
                  }));
  return InstalledSource{std::move(inputs), std::move(image)};
}

Result<AttachedDisk> attach(InstalledSource source, const RunContext& context) {
  if (context.layers != nullptr) {
    KILN_TRY_ASSIGN(
        auto layered,
        while_inputs_arrive(context, *source.inputs.files, [&](const RunContext& until) {
          return context.layers->begin(source, until);
        }));
    return AttachedDisk{std::move(source.inputs),
                        std::move(layered.disk),
                        layered.steps_done,
                        std::move(layered.saved_system),
                        std::move(layered.checked)};
  }
  KILN_TRY_ASSIGN(auto disk,
                  WorkDisk::create(context.runner,
                                   source.image,
                                   context.folder.work() / "overlay.qcow2",
                                   context.cancel,
                                   context.plan.grown_size()));
  return AttachedDisk{std::move(source.inputs), std::move(disk)};
}

Result<CustomizedDisk> customize(AttachedDisk attached, const RunContext& context) {
  const auto& arriving = *attached.inputs.files;
  std::unique_ptr<Sandbox> sandbox;
  const auto end_step = [&](std::size_t step) {
    return context.layers->end_step(step, attached.disk, *sandbox, context);
  };
  const auto work = [&]() -> Result<void> {
    KILN_TRY_ASSIGN(sandbox, while_inputs_arrive(context, arriving, [&](const RunContext& until) {
                      return start_to_customize(attached, until);
                    }));
    KILN_TRY_ASSIGN(const auto inputs, await_inputs(context, arriving, "customize"));
    const auto done = attached.steps_done;
    skip_steps(context, done);
    // Else it is on the disk as the steps left it.
    if (done == 0) KILN_TRY(stage_script(sandbox->agent(), context));
    return run_steps(
        context, "customize", context.plan.checked.steps, inputs, *sandbox, done, end_step);
  };
  if (auto worked = work(); !worked) {
    // No step has run then.
    if (arriving.failed()) return std::move(worked).error();
    return keep_failed_build(std::move(worked).error(), attached.disk, std::move(sandbox), context);
  }
  return CustomizedDisk{std::move(attached.inputs), std::move(attached.disk), std::move(sandbox)};
}

Result<GeneralizedDisk> generalize(CustomizedDisk customized, const RunContext& context) {
  auto& sandbox = *customized.sandbox;
  const auto& options = context.plan.options;
  const auto work = [&]() -> Result<GeneralizeReport> {
    if (context.plan.is_windows()) return generalize_windows(sandbox, context);
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
    KILN_TRY_ASSIGN(const auto sealed, generalized.sandbox->seal());
    KILN_TRY_ASSIGN(const auto residues, residues_of(sealed, generalized.report));
    KILN_TRY(judge_residues(residues, context.plan.options.generalize_skip, context.events));
    KILN_TRY(generalized.sandbox->finish());
    context.layers->end_disk(generalized.disk, residues, context);
    return {};
  };
  if (auto done = work(); !done) {
    return keep_failed_build(
        std::move(done).error(), generalized.disk, std::move(generalized.sandbox), context);
  }
  return CheckedDisk{std::move(generalized.inputs), std::move(generalized.disk)};
}

Result<CheckedDisk> check(AttachedDisk finished, const RunContext& context) {
  skip_steps(context, finished.steps_done);
  KILN_TRY(judge_residues(*finished.checked, context.plan.options.generalize_skip, context.events));
  return CheckedDisk{std::move(finished.inputs), std::move(finished.disk)};
}

}  // namespace kiln
