#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "engine/run/phases.h"

namespace kiln {

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

StepContext step_context(const RunContext& context,
                         GuestAgent& agent,
                         std::string phase,
                         std::string id);

/// Does what needs no inputs while they arrive. It ends when one cannot be had, and tells why.
template <class Work>
auto while_inputs_arrive(const RunContext& context, const Inputs& inputs, Work&& work)
    -> decltype(work(context)) {
  auto until = context;
  until.cancel = inputs.token();
  auto result = work(until);
  if (!result) return inputs.explain(std::move(result).error());
  return result;
}
/// The inputs, for which it waits as a step of `phase` where they are still arriving.
Result<Inputs::Files> await_inputs(const RunContext& context,
                                   const Inputs& inputs,
                                   const std::string& phase);

/// Starts the sandbox that the plan chose, as a step of `phase`.
/// @param name in the sandbox registry
/// @param saved_system see SandboxContext
Result<std::unique_ptr<Sandbox>> start_sandbox(const RunContext& context,
                                               const std::string& phase,
                                               std::string_view name,
                                               const WorkDisk& disk,
                                               const std::filesystem::path& saved_system = {});

/// `Shell: motd`, by the step's name or by what it is.
std::string step_title(const Customizer& customizer);

/// Runs customizers or validators in order; the first failure ends it.
/// @param done steps at the beginning that a layer has done
/// @param after called after each step that has ended well, with its place
Result<void> run_steps(const RunContext& context,
                       const std::string& phase,
                       const std::vector<PlannedStep>& steps,
                       const Inputs::Files& inputs,
                       Sandbox& sandbox,
                       std::size_t done = 0,
                       const std::function<Result<void>(std::size_t)>& after = {});

/// Tells of the steps at the beginning of the build that a layer has done.
void skip_steps(const RunContext& context, std::size_t done);

}  // namespace kiln
