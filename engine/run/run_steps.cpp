#include "engine/run/run_steps.h"

#include <algorithm>

#include "engine/run/offline_media.h"
#include "engine/sandbox/registry.h"

namespace kiln {
namespace {

const SandboxBackend& sandbox_backend(std::string_view name) {
  const auto backends = sandbox_registry();
  const auto found = std::find_if(
      backends.begin(), backends.end(), [&](const auto& backend) { return backend.name == name; });
  KILN_CHECK(found != backends.end());  // the plan chose it from this very table
  return *found;
}

}  // namespace

std::string step_title(const Customizer& customizer) {
  return customizer.name().empty() ? fmt::format("{}: {}", customizer.type(), customizer.describe())
                                   : fmt::format("{}: {}", customizer.type(), customizer.name());
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
          context.cancel,
          {},
          {},
          context.plan.image_system()};
}

Result<Inputs::Files> await_inputs(const RunContext& context,
                                   const Inputs& inputs,
                                   const std::string& phase) {
  if (inputs.arrived()) return inputs.wait();
  return as_step(
      context, phase, phase + "-inputs", "wait for inputs", [&] { return inputs.wait(); });
}

Result<std::unique_ptr<Sandbox>> start_sandbox(const RunContext& context,
                                               const std::string& phase,
                                               std::string_view name,
                                               const WorkDisk& disk,
                                               const std::filesystem::path& saved_system) {
  const SandboxContext sandbox_context{context.runner,
                                       context.events,
                                       context.cancel,
                                       context.folder.work(),
                                       context.cache_folder,
                                       saved_system};
  auto options = context.plan.options.sandbox;
  KILN_TRY_ASSIGN(options.media, make_discs(std::move(options.media), "media", context));
  KILN_TRY_ASSIGN(auto sandbox,
                  as_step(context, phase, phase + "-sandbox", "start the sandbox", [&] {
                    return sandbox_backend(name).start(disk, options, sandbox_context);
                  }));
  notice(context.events, "found " + sandbox->system().pretty_name, phase);
  KILN_TRY(mount_media(context, sandbox->agent()));
  return sandbox;
}

Result<void> run_steps(const RunContext& context,
                       const std::string& phase,
                       const std::vector<PlannedStep>& steps,
                       const Inputs::Files& inputs,
                       Sandbox& sandbox,
                       std::size_t done,
                       const std::function<Result<void>(std::size_t)>& after) {
  for (auto i = done; i < steps.size(); ++i) {
    const auto& step = steps[i];
    const auto& customizer = *step.customizer;
    const auto run = [&] {
      auto step_run = step_context(context, sandbox.agent(), phase, step.id);
      step_run.inputs = inputs;
      step_run.restart = [&](std::chrono::milliseconds limit) -> Result<void> {
        KILN_TRY(sandbox.restart(limit));
        return mount_media(context, sandbox.agent());
      };
      step_run.await_restart = [&](std::chrono::milliseconds limit) {
        return sandbox.await_restart(limit);
      };
      return customizer.run(step_run);
    };
    const auto title = step_title(customizer);
    KILN_TRY_WHILE(as_step(context, phase, step.id, title, run),
                   "running step {} of {} ({})",
                   step.id,
                   steps.size(),
                   title);
    if (after) KILN_TRY_WHILE(after(i), "beginning a layer after step {}", step.id);
  }
  return {};
}

void skip_steps(const RunContext& context, std::size_t done) {
  for (std::size_t i = 0; i < done; ++i) {
    const auto& step = context.plan.checked.steps[i];
    ActivityScope scope(context.events,
                        ActivityScope::Level::kStep,
                        "customize",
                        step.id,
                        step_title(*step.customizer));
    scope.skipped();
  }
}

}  // namespace kiln
