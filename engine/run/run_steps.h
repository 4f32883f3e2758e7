#pragma once

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

/// Starts the sandbox that the plan chose, as a step of `phase`.
/// @param name in the sandbox registry
Result<std::unique_ptr<Sandbox>> start_sandbox(const RunContext& context,
                                               const std::string& phase,
                                               std::string_view name,
                                               const WorkDisk& disk);

/// Runs customizers or validators in order; the first failure ends it.
Result<void> run_steps(const RunContext& context,
                       const std::string& phase,
                       const std::vector<PlannedStep>& steps,
                       const PreparedInputs& inputs,
                       Sandbox& sandbox);

}  // namespace kiln
