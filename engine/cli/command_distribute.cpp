// `kiln distribute RUN`
#include "engine/cli/cloud_flags.h"
#include "engine/cli/report_run.h"
#include "engine/cli/run_record_file.h"
#include "engine/cli/services.h"
#include "engine/run/distribute_later.h"
#include "engine/run/run_folder.h"
#include "uploaders/transport/fetcher.h"

namespace kiln {
namespace {

struct DistributeFlags {
  std::string run;
  LaterOptions options;
  CloudFlags cloud;
};

Result<ExitCode> distribute(const DistributeFlags& flags, Services& services) {
  const auto& settings = services.settings;
  KILN_TRY_ASSIGN(const auto path, find_run_folder(settings.state_folder, flags.run));
  KILN_TRY_ASSIGN(const auto folder, RunFolder::adopt(std::filesystem::absolute(path)));
  KILN_TRY_ASSIGN(auto record, read_run_record(path));
  auto options = flags.options;
  options.output_folder = std::filesystem::absolute(options.output_folder).lexically_normal();
  const auto fetcher = make_fetcher(".");
  KILN_TRY_ASSIGN(auto cloud, flags.cloud.choose(services.cancel));
  const auto azure = flags.cloud.access(std::move(cloud), services);
  auto display = make_display(settings);
  KILN_TRY_ASSIGN(
      const auto report,
      distribute_later(
          folder,
          std::move(record),
          options,
          {*services.runner, *fetcher, services.redactor, *display, services.cancel, azure.get()}));
  display.reset();
  return report_run(settings, report);
}

}  // namespace

void add_distribute_command(CLI::App& app, Services& services) {
  auto* command =
      app.add_subcommand("distribute", "Send the finished disk of a run to its targets");
  auto flags = std::make_shared<DistributeFlags>();
  command->add_option("run", flags->run, "A run's id, the beginning of one, or `latest`")
      ->required();
  command
      ->add_option(
          "--only", flags->options.only, "A run output's name; can be given again, as can be sent")
      ->type_name("NAME")
      ->take_all()
      ->allow_extra_args(false);
  command
      ->add_option(
          "--output-dir", flags->options.output_folder, "Where VHD distributors without uri write")
      ->envname("KILN_OUTPUT_DIR")
      ->capture_default_str();
  flags->cloud.add_to(*command);
  command->add_flag(
      "--overwrite", flags->options.overwrite, "Replace what already stands at a target");
  command->footer(
      "For a run whose distribution failed, was cancelled or was killed, and for one of\n"
      "`kiln build --distribute-later`. Without --only it sends what is not delivered yet, and "
      "goes\n"
      "on with uploads where they were cut off. A signature in a target's uri is in no record: "
      "give\n"
      "it as AZURE_STORAGE_SAS_TOKEN.");
  command->callback([&services, flags] {
    services.command = [&services, flags] { return distribute(*flags, services); };
  });
}

}  // namespace kiln
