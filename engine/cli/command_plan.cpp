// `kiln plan`: writes nothing.
#include "engine/cli/load_plan.h"

namespace kiln {
void add_plan_command(CLI::App& app, Services& services) {
  auto* plan = app.add_subcommand("plan", "Show what a build would do; writes nothing");
  auto flags = std::make_shared<PlanFlags>();
  flags->add_to(*plan);
  plan->callback([&services, flags] {
    services.command = [&services, flags]() -> Result<ExitCode> {
      KILN_TRY_ASSIGN(const auto loaded, load_plan(*flags, services.settings, services.redactor));
      print_result(services.settings,
                   services.redactor.redact(describe_plan(loaded.plan)),
                   redact_json(plan_to_json(loaded.plan), services.redactor));
      return ExitCode::kOk;
    };
  });
}

}  // namespace kiln
