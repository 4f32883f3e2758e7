#include "engine/cli/load_plan.h"

#include <map>

#include "customizers/generalize/generalize.h"
#include "engine/cli/choice.h"
#include "engine/template/parse.h"

namespace kiln {

void PlanFlags::add_to(CLI::App& command) {
  static const std::map<std::string, AcceleratorChoice> kAccelerators = {
      {"auto", AcceleratorChoice::kAuto},
      {"kvm", AcceleratorChoice::kKvm},
      {"tcg", AcceleratorChoice::kTcg}};
  input.add_to(command);
  cloud.add_to(command);
  command.add_option("--accel", sandbox.accelerator, "auto falls back to emulation with a warning")
      ->envname("KILN_ACCEL")
      ->transform(choice(kAccelerators, "auto|kvm|tcg"));
  static const std::map<std::string, SandboxMode> kModes = {
      {"auto", SandboxMode::kAuto}, {"mount", SandboxMode::kMount}, {"boot", SandboxMode::kBoot}};
  command
      .add_option("--mode",
                  mode,
                  "mount: steps run in the mounted image; boot: in its own system, booted in a "
                  "virtual machine; auto: boot only where a step needs it")
      ->envname("KILN_MODE")
      ->transform(choice(kModes, "auto|mount|boot"));
  static const std::map<std::string, ApplianceChoice> kAppliances = {
      {"auto", ApplianceChoice::kAuto},
      {"micro", ApplianceChoice::kMicro},
      {"appliance", ApplianceChoice::kLibguestfs}};
  command
      .add_option("--sandbox",
                  sandbox.appliance,
                  "What mounts the image: micro, a small system that is up in seconds; appliance, "
                  "libguestfs's, which knows more kinds of disks; auto: micro where that will do")
      ->envname("KILN_SANDBOX")
      ->transform(choice(kAppliances, "auto|micro|appliance"));
  command
      .add_option("--boot-timeout",
                  boot_timeout_minutes,
                  "Minutes from power-on until the booted system answers")
      ->check(CLI::Range(1, 960))
      ->capture_default_str();
  command
      .add_option("--memory",
                  memory_mib,
                  "Memory of the sandbox in MiB; without it 1024, and 4096 for Windows")
      ->check(CLI::Range(512, 1 << 20));
  command
      .add_option(
          "--vcpus",
          sandbox.vcpus,
          "Processors of the sandbox; without it two where the image is booted and the host\n"
          "has them, else one")
      ->check(CLI::Range(1, 255));
  network.add_to(command);
  media.add_to(command);
  add_connect_option(command, sandbox);
  command.add_option("--step-timeout", step_timeout_minutes, "Time limit of each step in minutes");
  command.add_flag("--offline", offline, "Fetch nothing over the network; --uri-map still applies")
      ->envname("KILN_OFFLINE");
  command.add_option(
      "--uri-map",
      uri_map,
      "JSON object: a URI, or its beginning up to a slash, to a local file or folder");
  layers.add_to(command);
  std::string operations;
  for (const auto& operation : generalize_operations()) {
    operations += fmt::format("\n  {:<18} {}{}",
                              operation.name,
                              operation.help,
                              operation.on_by_default ? "" : " (off by default)");
  }
  command
      .add_option("--generalize-skip",
                  generalize_skip,
                  "Leave out operations of generalize, in an image of Linux:" + operations)
      ->delimiter(',')
      ->type_name("NAME,...");
  command
      .add_option("--generalize-also", generalize_also, "Operations that are off unless asked for")
      ->delimiter(',')
      ->type_name("NAME,...");
}

Result<LoadedPlan> load_plan(const PlanFlags& flags, Services& services) {
  KILN_TRY_ASSIGN(auto text, read_template_file(flags.input.path));
  KILN_TRY_ASSIGN(auto image_template, examine_input(flags.input, text, services.redactor));
  KILN_TRY_ASSIGN(auto checked, check_template(std::move(image_template), &services.other_errors));
  PlanOptions options;
  options.catalog = services.settings.catalog;
  options.template_folder = std::filesystem::absolute(flags.input.path).parent_path();
  options.mode = flags.mode;
  options.sandbox = flags.sandbox;
  options.memory_mib = flags.memory_mib;
  KILN_TRY(flags.network.apply(options.sandbox));
  KILN_TRY(flags.media.apply(options.sandbox));
  options.sandbox.boot_time_limit = std::chrono::minutes(flags.boot_timeout_minutes);
  options.offline = flags.offline;
  KILN_TRY_ASSIGN(options.cloud, flags.cloud.choose(services.cancel));
  options.cloud_chosen_by = flags.cloud.chosen_by();
  options.staging_container = !flags.cloud.staging.url.empty();
  if (!flags.uri_map.empty()) {
    KILN_TRY_ASSIGN(options.uri_map, UriMap::load(flags.uri_map));
  }
  options.generalize_skip = flags.generalize_skip;
  options.generalize_also = flags.generalize_also;
  if (flags.step_timeout_minutes > 0) {
    options.step_time_limit = std::chrono::minutes(flags.step_timeout_minutes);
  }
  KILN_TRY_ASSIGN(auto plan, make_plan(std::move(checked), std::move(options)));
  return LoadedPlan{std::move(plan), std::move(text)};
}

}  // namespace kiln
