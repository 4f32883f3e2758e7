// `kiln plan`: writes nothing.
#include <fmt/format.h>

#include "engine/cli/load_plan.h"
#include "engine/run/report/forecast.h"
#include "engine/sandbox/acceleration.h"

namespace kiln {
namespace {

/// Says what is known; a proof would have to write, and to start a virtual machine.
std::string describe_acceleration(const SandboxOptions& options, const Settings& settings) {
  if (options.accelerator == AcceleratorChoice::kTcg) return "no: --accel tcg asks for emulation";
  const auto proved = recall_acceleration(settings.cache_folder);
  if (!proved) return "not known yet; the build proves it, and so does `kiln doctor`";
  return fmt::format(
      "{}: {}", proved->accelerator == Accelerator::kKvm ? "by KVM" : "no", proved->why);
}

}  // namespace

void add_plan_command(CLI::App& app, Services& services) {
  auto* plan = app.add_subcommand("plan", "Show what a build would do; writes nothing");
  auto flags = std::make_shared<PlanFlags>();
  flags->add_to(*plan);
  plan->callback([&services, flags] {
    services.command = [&services, flags]() -> Result<ExitCode> {
      KILN_TRY_ASSIGN(const auto loaded, load_plan(*flags, services));
      const auto acceleration = describe_acceleration(flags->sandbox, services.settings);
      auto json = plan_to_json(loaded.plan);
      json["acceleration"] = acceleration;
      std::string layers;
      if (loaded.plan.builds()) {
        KILN_TRY_ASSIGN(const auto told,
                        forecast(loaded.plan,
                                 flags->layers.policy,
                                 std::filesystem::absolute(services.settings.state_folder),
                                 std::filesystem::absolute(services.settings.cache_folder)));
        layers = describe_forecast(loaded.plan, told);
        json["layers"] = to_json(loaded.plan, told);
      }
      print_result(services.settings,
                   services.redactor.redact(describe_plan(loaded.plan) + layers +
                                            fmt::format("Accelerated {}\n", acceleration)),
                   redact_json(json, services.redactor));
      return ExitCode::kOk;
    };
  });
}

}  // namespace kiln
