// `kiln validate` and `kiln plan`: both write nothing.
#include <fmt/format.h>

#include "engine/cli/load_plan.h"
#include "engine/template/parse.h"

namespace kiln {
namespace {

Result<ExitCode> validate(const std::filesystem::path& path, const Settings& settings) {
  KILN_TRY_ASSIGN(auto image_template, load_template(path));
  KILN_TRY_ASSIGN(const auto checked, check_template(std::move(image_template)));
  auto lines = fmt::format("{} is valid: {} steps, {} targets\n",
                           path.string(),
                           checked.steps.size(),
                           checked.targets.size());
  for (const auto& line : notices(checked)) lines += fmt::format("notice: {}\n", line);
  print_result(settings,
               lines,
               {{"valid", true},
                {"template", checked.image_template.name},
                {"steps", checked.steps.size()},
                {"targets", checked.targets.size()},
                {"notices", notices(checked)}});
  return ExitCode::kOk;
}

}  // namespace

void add_plan_commands(CLI::App& app, Services& services) {
  auto* check = app.add_subcommand("validate", "Check a template; writes nothing");
  auto path = std::make_shared<std::filesystem::path>();
  check->add_option("template", *path, "An AIB image template")->required();
  check->callback([&services, path] {
    services.command = [&services, path] { return validate(*path, services.settings); };
  });

  auto* plan = app.add_subcommand("plan", "Show what a build would do; writes nothing");
  auto flags = std::make_shared<PlanFlags>();
  flags->add_to(*plan);
  plan->callback([&services, flags] {
    services.command = [&services, flags]() -> Result<ExitCode> {
      KILN_TRY_ASSIGN(const auto loaded, load_plan(*flags, services.settings));
      print_result(services.settings, describe_plan(loaded.plan), plan_to_json(loaded.plan));
      return ExitCode::kOk;
    };
  });
}

}  // namespace kiln
