// `kiln validate` and `kiln plan`: both write nothing.
#include <fmt/format.h>

#include "engine/cli/load_plan.h"
#include "engine/core/file.h"

namespace kiln {
namespace {

Result<ExitCode> validate(const TemplateFlags& flags, Services& services) {
  KILN_TRY_ASSIGN(const auto text, read_file(flags.path));
  KILN_TRY_ASSIGN(auto image_template, read_template(flags, text, services.redactor));
  KILN_TRY_ASSIGN(const auto checked, check_template(std::move(image_template)));
  auto lines = fmt::format("{} is valid: {} steps, {} targets\n",
                           flags.path.string(),
                           checked.steps.size(),
                           checked.targets.size());
  for (const auto& line : notices(checked)) lines += fmt::format("notice: {}\n", line);
  print_result(services.settings,
               services.redactor.redact(lines),
               redact_json({{"valid", true},
                            {"template", checked.image_template.name},
                            {"steps", checked.steps.size()},
                            {"targets", checked.targets.size()},
                            {"parameters", checked.image_template.parameters},
                            {"notices", notices(checked)}},
                           services.redactor));
  return ExitCode::kOk;
}

}  // namespace

void add_plan_commands(CLI::App& app, Services& services) {
  auto* check = app.add_subcommand("validate", "Check a template; writes nothing");
  auto input = std::make_shared<TemplateFlags>();
  input->add_to(*check);
  check->callback([&services, input] {
    services.command = [&services, input] { return validate(*input, services); };
  });

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
