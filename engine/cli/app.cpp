#include "engine/cli/app.h"

#include <map>

#include <fmt/format.h>

#include "engine/cli/choice.h"
#include "engine/cli/template_flags.h"
#include "engine/core/json.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

constexpr const char* kDescription =
    "Kiln builds Azure images on this machine: it reads an Azure VM Image Builder template,\n"
    "customizes a local disk image in a sandboxed virtual machine, generalizes it, writes an\n"
    "Azure-ready fixed VHD and delivers it. No cloud is needed.";

constexpr const char* kFooter =
    "Exit codes: 0 done, 1 build failed, 2 command line or template wrong, 3 host not ready,\n"
    "4 cancelled, 70 defect in Kiln. Results go to standard output, progress to standard error.\n"
    "Start with `kiln doctor`; `kiln COMMAND --help` explains each command.";

void add_settings(CLI::App& app, Settings& settings) {
  static const std::map<std::string, LogFormat> kFormats = {{"text", LogFormat::kText},
                                                            {"json", LogFormat::kJson}};
  app.add_option("--state-dir", settings.state_folder, "Where runs are recorded")
      ->envname("KILN_STATE_DIR")
      ->capture_default_str();
  app.add_option(
         "--cache-dir", settings.cache_folder, "What can be made again, e.g. the proof of KVM")
      ->envname("KILN_CACHE_DIR")
      ->capture_default_str();
  app.add_option("--catalog", settings.catalog, "Maps cloud images to local files")
      ->envname("KILN_CATALOG")
      ->capture_default_str();
  app.add_option("--log-format", settings.log_format, "text, or json: one event a line")
      ->envname("KILN_LOG_FORMAT")
      ->transform(choice(kFormats, "text|json"));
  app.set_config("--config", default_config_file().string(), "Settings as `option = value` lines");
}

void report_one(const Services& services, const Error& error) {
  const auto& redactor = services.redactor;
  if (services.settings.log_format == LogFormat::kJson) {
    const nlohmann::json json = {{"type", "error"},
                                 {"code", error.code()},
                                 {"kind", to_string(error.kind())},
                                 {"message", error.message()},
                                 {"where", error.where()},
                                 {"value", error.value()},
                                 {"expected", error.expected()},
                                 {"cure", error.cure()},
                                 {"while", error.context()},
                                 {"quoted", error.quoted()},
                                 {"also", error.also()}};
    fmt::print(stderr, "{}\n", dump_json(redact_json(json, redactor)));
    return;
  }
  fmt::print(stderr, "kiln: ");
  for (const auto& line : split_lines(redactor.redact(error.describe()))) {
    fmt::print(stderr, "{}\n", printable(line));
  }
}

void report(const Services& services, const Error& error) {
  report_one(services, error);
  if (services.other_errors.empty()) return;
  for (const auto& other : services.other_errors) report_one(services, other);
  if (services.settings.log_format == LogFormat::kText) {
    fmt::print(stderr, "kiln: {} errors\n", services.other_errors.size() + 1);
  }
}

/// CLI11 has exit codes of its own; ours say usage error.
int report_parse_error(const CLI::App& app, const CLI::ParseError& error) {
  const int code = app.exit(error);
  return code == 0 ? 0 : static_cast<int>(ExitCode::kUsage);
}

}  // namespace

int run_app(int argc, char** argv, Services& services) {
  CLI::App app(kDescription, "kiln");
  app.footer(kFooter);
  app.set_version_flag("--version", "kiln " KILN_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  add_settings(app, services.settings);
  add_build_command(app, services);
  add_distribute_command(app, services);
  add_upload_command(app, services);
  add_plan_command(app, services);
  add_validate_command(app, services);
  add_template_commands(app, services);
  add_shell_command(app, services);
  add_runs_command(app, services);
  add_cache_command(app, services);
  add_catalog_command(app, services);
  add_image_command(app, services);
  add_doctor_command(app, services);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return report_parse_error(app, error);
  }
  const auto done = services.command();
  if (done) return static_cast<int>(*done);
  const auto& error = done.error();
  report(services, error);
  return static_cast<int>(exit_code(error));
}

}  // namespace kiln
