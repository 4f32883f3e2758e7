#include "engine/run/runner.h"

#include "engine/core/file.h"
#include "engine/core/text.h"
#include "engine/run/deadline.h"
#include "engine/run/event_bus.h"
#include "engine/run/phases.h"
#include "engine/run/run_log.h"
#include "engine/run/run_steps.h"
#include "engine/sandbox/installation.h"

namespace kiln {
namespace {

/// Runs one phase between its two events.
template <class Phase>
auto in_phase(const RunContext& context, const std::string& name, Phase&& phase) {
  ActivityScope scope(context.events, ActivityScope::Level::kPhase, name, "", name);
  auto result = context.cancel.check() ? phase() : decltype(phase())(cancelled());
  if (result) {
    scope.succeeded();
  } else {
    scope.failed(result.error());
  }
  return result;
}

/// sourceValidationOnly: nothing is built, so nothing is distributed.
Result<DistributeOutcome> run_source_validation(const AttachedDisk& attached,
                                                const RunContext& context) {
  if (!context.plan.checked.validations.empty()) {
    KILN_TRY(in_phase(context, "validate", [&] { return validate(attached, context); }));
  }
  return DistributeOutcome{};
}

/// A failed validation ends the run here, unless the template wants the image all the same.
Result<ValidatedDisk> run_validation(CheckedDisk checked, const RunContext& context) {
  const auto& wanted = context.plan.checked.image_template.validate;
  if (context.plan.checked.validations.empty()) return ValidatedDisk{std::move(checked.disk), {}};
  auto passed = in_phase(context, "validate", [&] { return validate(checked, context); });
  if (passed) return ValidatedDisk{std::move(checked.disk), {}};
  if (context.cancel.requested() || !wanted.continue_distribute_on_failure)
    return std::move(passed).error();
  warning(context.events,
          "the validation failed; continueDistributeOnFailure has the image distributed");
  return ValidatedDisk{std::move(checked.disk), std::move(passed).error()};
}

Result<CheckedDisk> run_build_phases(AttachedDisk attached, const RunContext& context) {
  if (attached.checked) {
    return in_phase(context, "check", [&] { return check(std::move(attached), context); });
  }
  KILN_TRY_ASSIGN(auto customized, in_phase(context, "customize", [&] {
                    return customize(std::move(attached), context);
                  }));
  KILN_TRY_ASSIGN(auto generalized, in_phase(context, "generalize", [&] {
                    return generalize(std::move(customized), context);
                  }));
  return in_phase(context, "check", [&] { return check(std::move(generalized), context); });
}

/// While it is held, the run may have virtual machines.
Result<UniqueFd> take_slot(const JobLimits& limits, const RunContext& context) {
  if (limits.slots == 0) return UniqueFd();
  KILN_TRY_ASSIGN(const auto folder, job_folder());
  return JobSlots(folder, limits)
      .take(context.plan.options.sandbox.memory_mib, context.events, context.cancel);
}

/// Nothing is left to do in a virtual machine.
bool is_finished(const AttachedDisk& attached, const RunContext& context) {
  return attached.checked && context.plan.checked.validations.empty();
}

Result<InstalledSource> run_installation_phase(PreparedInputs inputs,
                                               const JobLimits& limits,
                                               const RunContext& context) {
  if (!inputs.order) return InstalledSource{std::move(inputs), context.plan.source_image};
  KILN_TRY_ASSIGN(const auto slot, take_slot(limits, context));
  return in_phase(context, "install", [&] { return install(std::move(inputs), context); });
}

/// The one way through, DESIGN's picture in code.
Result<DistributeOutcome> run_phases(const RunContext& context, const JobLimits& limits) {
  KILN_TRY_ASSIGN(auto inputs, in_phase(context, "prepare", [&] { return prepare(context); }));
  KILN_TRY_ASSIGN(auto source, run_installation_phase(std::move(inputs), limits, context));
  KILN_TRY_ASSIGN(auto attached,
                  in_phase(context, "attach", [&] { return attach(std::move(source), context); }));
  UniqueFd slot;
  if (!is_finished(attached, context)) {
    KILN_TRY_ASSIGN(
        slot, while_inputs_arrive(context, *attached.inputs.files, [&](const RunContext& until) {
          return take_slot(limits, until);
        }));
  }
  if (!context.plan.builds()) return run_source_validation(attached, context);
  KILN_TRY_ASSIGN(auto checked, run_build_phases(std::move(attached), context));
  KILN_TRY_ASSIGN(auto validated, run_validation(std::move(checked), context));
  slot.reset();  // what is left is the disk's and the network's
  return in_phase(context, "distribute", [&] { return distribute(std::move(validated), context); });
}

/// A part that cannot run is told before anything starts, and all such parts at once.
Result<void> refuse_blocked(const Plan& plan) {
  if (plan.blockers.empty()) return {};
  auto error = plan.blockers.front();
  for (std::size_t i = 1; i < plan.blockers.size(); ++i) {
    error = std::move(error).followed_by(plan.blockers[i]);
  }
  return error;
}

/// Makes the signatures of a template's URLs known before the template is copied: who uses them
/// comes to know them only later, or, where nothing is delivered, not at all.
void hide_signatures(std::string_view text, Redactor& redactor) {
  constexpr std::string_view kName = "sig=";
  for (auto at = text.find(kName); at != std::string_view::npos; at = text.find(kName, at)) {
    at += kName.size();
    redactor.add(Secret(std::string(text.substr(at, text.find_first_of("&\"'\\ \r\n", at) - at))));
  }
}

/// What was said on serial ports outlives the work folder.
void clear_work(const RunFolder& folder) {
  std::error_code ignored;
  for (const char* log : {kConsoleLog, kInstallerLog}) {
    std::filesystem::rename(folder.work() / log, folder.path() / log, ignored);
  }
  std::filesystem::remove_all(folder.work(), ignored);
}

RunState state_of(const BuildReport& report) {
  if (report.errors.empty()) return RunState::kSucceeded;
  if (report.errors.front().kind() == ErrorKind::kCancelled) return RunState::kCanceled;
  if (!report.validated) return RunState::kFailed;
  return report.artifacts.empty() ? RunState::kFailed : RunState::kPartiallySucceeded;
}

void finish(BuildReport& report, RunRecord& record, EventSink& events) {
  report.state = state_of(report);
  if (!report.errors.empty()) record.fail_with(report.errors.front());
  record.finish(report.state, report.errors.empty() ? "" : report.errors.front().summary());
  if (auto saved = record.save(); !saved) report.errors.push_back(std::move(saved).error());
  Event event;
  event.type = EventType::kBuildFinished;
  event.message = to_string(report.state);
  event.fields["run"] = report.run_id;
  events.emit(event);
}

}  // namespace

Result<BuildReport> run_build(const Plan& plan,
                              const BuildOptions& options,
                              const BuildServices& services) {
  KILN_TRY(refuse_blocked(plan));
  KILN_TRY_ASSIGN(const auto reusable, reusable_steps(plan, options.layers));
  KILN_TRY_ASSIGN(const auto folder, RunFolder::create(options.state_folder));
  hide_signatures(options.template_text, services.redactor);
  KILN_TRY(write_file_atomic(folder.path() / "template.json",
                             services.redactor.redact(options.template_text)));
  RunRecord record(folder.record(), folder.id(), plan_to_json(plan), services.redactor);
  KILN_TRY(record.save());
  RunLog log(folder.path());
  EventBus bus(services.redactor);
  bus.add(log);
  bus.add(record);
  bus.add(services.display);

  BuildReport report{folder.id(), folder.path(), RunState::kFailed};
  Event started;
  started.type = EventType::kBuildStarted;
  started.message = plan.checked.image_template.name;
  started.fields = {{"run", folder.id()}, {"folder", folder.path().string()}};
  bus.emit(started);

  BuildLayers layers(LayerStore(options.state_folder), options.layers, reusable);
  const Deadline deadline(services.cancel, plan.checked.image_template.build_timeout);
  const RunContext context{plan,
                           folder,
                           bus,
                           deadline.token(),
                           services.runner,
                           services.fetcher,
                           services.redactor,
                           record,
                           options.cache_folder,
                           options.output_folder,
                           options.overwrite,
                           options.keep_on_failure,
                           options.distribute_later,
                           deadline,
                           services.azure,
                           plan.builds() ? &layers : nullptr,
                           options.reinstall};
  auto outcome = run_phases(context, options.jobs);
  if (outcome) {
    report.artifacts = std::move(outcome->artifacts);
    report.errors = std::move(outcome->errors);
    report.validated = outcome->validated;
  } else {
    report.errors.push_back(deadline.explain(std::move(outcome).error()));
  }
  layers.settle(context);
  clear_work(folder);
  report.kept = record.keeps();
  report.to_distribute = record.has_finished();
  if (!log.trouble().empty()) warning(bus, log.trouble());
  finish(report, record, bus);
  return report;
}

}  // namespace kiln
