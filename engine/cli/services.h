#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "engine/cli/exit_codes.h"
#include "engine/cli/settings.h"
#include "engine/core/event.h"
#include "engine/core/fetcher.h"
#include "engine/core/process_runner.h"
#include "engine/core/redact.h"

namespace kiln {

/// What commands share. The settings are filled in while the command line is parsed, so they may be
/// read only when a command runs.
struct Services {
  Settings settings = default_settings();
  std::unique_ptr<ProcessRunner> runner = make_process_runner();
  Redactor redactor;
  CancelToken cancel;
  /// The command that the command line chose.
  std::function<Result<ExitCode>()> command;
  /// What is wrong beside the error that the command returns, each with a cause of its own.
  std::vector<Error> other_errors;
};

/// Where progress goes, as the settings say.
std::unique_ptr<EventSink> make_display(const Settings& settings);

/// Prints a result on standard output: as text, or as JSON where the settings ask for it.
void print_result(const Settings& settings, const std::string& text, const nlohmann::json& json);

// One function a verb, each in its own file: adds the subcommand and its options to `app` and sets
// `services.command` when the user chose it. `services` outlives `app`.
void add_build_command(CLI::App& app, Services& services);
void add_distribute_command(CLI::App& app, Services& services);
void add_upload_command(CLI::App& app, Services& services);
void add_plan_command(CLI::App& app, Services& services);
void add_validate_command(CLI::App& app, Services& services);
void add_template_commands(CLI::App& app, Services& services);
/// Below `template`.
void add_answers_command(CLI::App& group, Services& services);
void add_shell_command(CLI::App& app, Services& services);
void add_cache_command(CLI::App& app, Services& services);
void add_runs_command(CLI::App& app, Services& services);
void add_catalog_command(CLI::App& app, Services& services);
void add_image_command(CLI::App& app, Services& services);
void add_doctor_command(CLI::App& app, Services& services);

}  // namespace kiln
