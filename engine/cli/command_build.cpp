// `kiln build`
#include <fmt/format.h>

#include "engine/cli/load_plan.h"
#include "engine/cli/report_run.h"
#include "engine/core/text.h"
#include "engine/run/runner.h"
#include "uploaders/auth/blob_signer.h"
#include "uploaders/transport/fetcher.h"

namespace kiln {
namespace {

struct BuildFlags {
  PlanFlags plan;
  std::filesystem::path output_folder = ".";
  bool overwrite = false;
  bool keep_on_failure = false;
  bool distribute_later = false;
  JobLimits jobs = host_job_limits();
  bool reinstall = false;
};

/// A part that cannot run is told before anything starts, and all such parts at once.
Result<void> refuse_blocked(const Plan& plan, Services& services) {
  if (plan.blockers.empty()) return {};
  services.other_errors.assign(plan.blockers.begin() + 1, plan.blockers.end());
  return plan.blockers.front();
}

Result<ExitCode> build(const BuildFlags& flags, Services& services) {
  const auto& settings = services.settings;
  KILN_TRY_ASSIGN(const auto loaded, load_plan(flags.plan, services));
  KILN_TRY(refuse_blocked(loaded.plan, services));
  BuildOptions options;
  options.state_folder = std::filesystem::absolute(settings.state_folder);
  options.cache_folder = std::filesystem::absolute(settings.cache_folder);
  options.output_folder = std::filesystem::absolute(flags.output_folder).lexically_normal();
  options.template_text = loaded.template_text;
  options.overwrite = flags.overwrite;
  options.keep_on_failure = flags.keep_on_failure;
  options.distribute_later = flags.distribute_later;
  options.jobs = flags.jobs;
  options.layers = flags.plan.layers.policy;
  options.reinstall = flags.reinstall;
  const auto& chosen = loaded.plan.options;
  const auto transport = make_fetcher(
      chosen.template_folder, {}, {}, make_blob_signer(process_environment(), services.redactor));
  const auto fetcher = make_mapped_fetcher(*transport, chosen.uri_map, chosen.offline);
  const auto azure = flags.plan.cloud.access(chosen.cloud, services);
  auto display = make_display(settings);
  KILN_TRY_ASSIGN(
      const auto report,
      run_build(
          loaded.plan,
          options,
          {*services.runner, *fetcher, services.redactor, *display, services.cancel, azure.get()}));
  display.reset();  // the terminal's live line is gone before the result is printed
  return report_run(settings, report);
}

}  // namespace

void add_build_command(CLI::App& app, Services& services) {
  auto* command = app.add_subcommand("build", "Build the image that a template describes");
  auto flags = std::make_shared<BuildFlags>();
  flags->plan.add_to(*command);
  command
      ->add_option("--output-dir", flags->output_folder, "Where VHD distributors without uri write")
      ->envname("KILN_OUTPUT_DIR")
      ->capture_default_str();
  command->add_flag("--overwrite", flags->overwrite, "Replace what already stands at a target");
  command->add_flag(
      "--keep-on-failure",
      flags->keep_on_failure,
      "Keep the disk when a customizer or a validator fails, for `kiln shell`; as errorHandling's\n"
      "abort for both");
  command->add_flag(
      "--distribute-later",
      flags->distribute_later,
      "Deliver nothing and keep the finished disk in the run's folder, in one piece,\n"
      "for `kiln distribute` here or on another machine");
  command
      ->add_option(
          "--jobs",
          flags->jobs.slots,
          "Builds of this user that may have virtual machines on this host at once, whatever\n"
          "their folders; others wait. 0: any number")
      ->envname("KILN_JOBS")
      ->capture_default_str();
  command->add_flag(
      "--reinstall",
      flags->reinstall,
      "Install from the disc (source ISO), even though the cache has the system that the\n"
      "same disc and answers gave before");
  command->footer(
      "Credentials for page blobs come from the environment (KILN_STORAGE_KEY_FILE,\n"
      "AZURE_STORAGE_SAS_TOKEN, AZURE_STORAGE_KEY, AZURE_STORAGE_CONNECTION_STRING) or from the\n"
      "blob's URL, never from an option.");
  command->callback([&services, flags] {
    services.command = [&services, flags] { return build(*flags, services); };
  });
}

}  // namespace kiln
