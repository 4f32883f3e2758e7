// `kiln runs list|show|report|logs|gc`
#include <fmt/format.h>

#include "engine/cli/run_record_file.h"
#include "engine/cli/services.h"
#include "engine/core/file.h"
#include "engine/core/json.h"
#include "engine/core/text.h"
#include "engine/run/report/run_report.h"
#include "engine/run/report/timeline.h"
#include "engine/run/run_folder.h"
#include "engine/run/run_gc.h"

namespace kiln {
namespace {

std::string text_of(const nlohmann::json& record, const char* pointer) {
  return record.value(nlohmann::json::json_pointer(pointer), std::string());
}

Result<ExitCode> list(const Settings& settings) {
  KILN_TRY_ASSIGN(const auto folders, list_run_folders(settings.state_folder));
  auto json = nlohmann::json::array();
  std::string text = fmt::format("{:<25} {:<33} {:<24} {}\n", "RUN", "STATE", "START", "TEMPLATE");
  for (const auto& folder : folders) {
    const auto record = read_run_record(folder);
    if (!record) continue;  // died before its first record; `runs gc` removes it
    const auto state = text_of(*record, "/lastRunStatus/runState");
    const auto start = text_of(*record, "/lastRunStatus/startTime");
    const auto name = text_of(*record, "/plan/template");
    const bool kept = record->contains("kept");
    const bool finished = record->contains("finished");
    text += fmt::format("{:<25} {:<33} {:<24} {}\n",
                        folder.filename().string(),
                        state + (kept ? ", kept" : "") + (finished ? ", to distribute" : ""),
                        start,
                        name);
    json.push_back({{"id", folder.filename().string()},
                    {"runState", state},
                    {"startTime", start},
                    {"kept", kept},
                    {"toDistribute", finished},
                    {"template", name}});
  }
  print_result(settings, text, json);
  return ExitCode::kOk;
}

std::string describe_record(const nlohmann::json& record, const std::filesystem::path& folder) {
  auto text =
      fmt::format("Run        {}\nState      {}\nStarted    {}\nEnded      {}\nTemplate   {}\n",
                  text_of(record, "/id"),
                  text_of(record, "/lastRunStatus/runState"),
                  text_of(record, "/lastRunStatus/startTime"),
                  text_of(record, "/lastRunStatus/endTime"),
                  text_of(record, "/plan/template"));
  for (const auto& phase : record.value("phases", nlohmann::json::array())) {
    text += fmt::format("Phase      {:<12} {:>9}  {}\n",
                        phase.value("name", ""),
                        format_duration(std::chrono::milliseconds(phase.value("milliseconds", 0L))),
                        phase.value("outcome", ""));
  }
  for (const auto& output : record.value("runOutputs", nlohmann::json::array())) {
    text += fmt::format("Output     {:<12} {}\n",
                        output.value("name", ""),
                        output.value("/properties/artifactUri"_json_pointer, std::string()));
  }
  const auto message = text_of(record, "/lastRunStatus/message");
  if (!message.empty()) text += fmt::format("Message    {}\n", printable(message));
  if (record.contains("kept")) {
    const auto kept = folder / "kept";
    text += fmt::format("Kept       {} ({}); `kiln shell {}` opens a shell in it\n",
                        kept.string(),
                        format_bytes(allocated_below(kept)),
                        text_of(record, "/id"));
  }
  if (record.contains("finished")) {
    const auto finished = folder / "finished";
    text += fmt::format("Finished   {} ({}); `kiln distribute {}` sends it\n",
                        finished.string(),
                        format_bytes(allocated_below(finished)),
                        text_of(record, "/id"));
  }
  return text + fmt::format("Folder     {}\n", folder.string());
}

Result<ExitCode> show(const std::string& id, const Settings& settings) {
  KILN_TRY_ASSIGN(const auto folder, find_run_folder(settings.state_folder, id));
  KILN_TRY_ASSIGN(const auto record, read_run_record(folder));
  auto text = describe_record(record, folder);
  if (const auto timeline = read_timeline(folder)) text += "\n" + describe_timeline(*timeline);
  print_result(settings, text, record);
  return ExitCode::kOk;
}

struct ReportFlags {
  std::filesystem::path page;
  bool files = false;
};

Result<RunChanges> look_at_files(const std::filesystem::path& path,
                                 const nlohmann::json& record,
                                 const Services& services) {
  const auto& settings = services.settings;
  KILN_TRY_ASSIGN(const auto folder, RunFolder::adopt(path));
  const auto display = make_display(settings);
  return changed_files(folder,
                       record,
                       LayerStore(std::filesystem::absolute(settings.state_folder)),
                       {*services.runner,
                        *display,
                        services.cancel,
                        std::filesystem::absolute(settings.cache_folder)});
}

Result<ExitCode> report(const std::string& id, ReportFlags flags, const Services& services) {
  const auto& settings = services.settings;
  KILN_TRY_ASSIGN(const auto found, find_run_folder(settings.state_folder, id));
  const auto folder = std::filesystem::absolute(found);
  KILN_TRY_ASSIGN(const auto record, read_run_record(folder));
  KILN_TRY_ASSIGN(const auto timeline, read_timeline(folder));
  std::optional<RunChanges> changes;
  if (flags.files) {
    KILN_TRY_ASSIGN(changes, look_at_files(folder, record, services));
  }
  if (flags.page.empty()) flags.page = folder / "report.html";
  KILN_TRY(
      write_file_atomic(flags.page, report_html(record, timeline, changes ? &*changes : nullptr)));
  print_result(settings, flags.page.string() + "\n", {{"report", flags.page.string()}});
  return ExitCode::kOk;
}

struct LogChoice {
  std::string step;
  bool validation = false;
};

Result<ExitCode> logs(const std::string& id, const LogChoice& wanted, const Settings& settings) {
  KILN_TRY_ASSIGN(const auto folder, find_run_folder(settings.state_folder, id));
  auto path = folder / "customization.log";
  if (settings.log_format == LogFormat::kJson) path = folder / "events.jsonl";
  if (wanted.validation) path = folder / "validation.log";
  if (wanted.step == "console") {
    path = folder / "console.log";
  } else if (!wanted.step.empty()) {
    path = folder / "steps" / (wanted.step + ".log");
  }
  KILN_TRY_ASSIGN(const auto file, open_read_only(path));
  std::string buffer(64 * kKiB, '\0');
  while (true) {
    const auto count = ::read(file.get(), buffer.data(), buffer.size());
    if (count <= 0) return ExitCode::kOk;
    std::fwrite(buffer.data(), 1, static_cast<std::size_t>(count), stdout);
  }
}

Result<ExitCode> gc(const GcOptions& options, const Settings& settings) {
  KILN_TRY_ASSIGN(const auto report, collect_garbage(settings.state_folder, options));
  std::string text;
  auto removed = nlohmann::json::array();
  for (const auto& run : report.interrupted) text += fmt::format("interrupted {}\n", run);
  for (const auto& path : report.removed) {
    text += fmt::format("{} {}\n", options.dry_run ? "would remove" : "removed", path.string());
    removed.push_back(path.string());
  }
  auto kept = nlohmann::json::array();
  for (const auto& disk : report.kept) {
    text += fmt::format(
        "kept {} ({}); --kept removes it\n", disk.path.string(), format_bytes(disk.bytes));
    kept.push_back({{"path", disk.path.string()}, {"bytes", disk.bytes}});
  }
  text += fmt::format("{} {}\n", format_bytes(report.bytes), options.dry_run ? "to free" : "freed");
  print_result(settings,
               text,
               {{"interrupted", report.interrupted},
                {"removed", removed},
                {"kept", kept},
                {"bytes", report.bytes},
                {"dryRun", options.dry_run}});
  return ExitCode::kOk;
}

}  // namespace

void add_runs_command(CLI::App& app, Services& services) {
  auto* runs = app.add_subcommand("runs", "Look at recorded runs, clean up after them");
  runs->require_subcommand(1);
  auto id = std::make_shared<std::string>();
  auto log = std::make_shared<LogChoice>();
  auto options = std::make_shared<GcOptions>();
  auto days = std::make_shared<unsigned>(0);

  runs->add_subcommand("list", "All runs, oldest first")->callback([&services] {
    services.command = [&services] { return list(services.settings); };
  });
  auto* show_command =
      runs->add_subcommand("show", "One run: state, phases, outputs, where its time went");
  show_command->add_option("run", *id, "A run's id, the beginning of one, or `latest`")->required();
  show_command->callback([&services, id] {
    services.command = [&services, id] { return show(*id, services.settings); };
  });
  auto flags = std::make_shared<ReportFlags>();
  auto* report_command =
      runs->add_subcommand("report", "A page of HTML: where the time went, steps, layers");
  report_command->add_option("run", *id, "A run's id, the beginning of one, or `latest`")
      ->required();
  report_command
      ->add_option("--output", flags->page, "The page's file; report.html in the run's folder else")
      ->type_name("FILE");
  report_command->add_flag("--files",
                           flags->files,
                           "Also which files each layer changed: mounts the last one in a virtual\n"
                           "machine for it");
  report_command->callback([&services, id, flags] {
    services.command = [&services, id, flags] { return report(*id, *flags, services); };
  });
  auto* logs_command = runs->add_subcommand("logs", "A run's log");
  logs_command->add_option("run", *id, "A run's id, the beginning of one, or `latest`")->required();
  auto* step_option = logs_command->add_option(
      "--step", log->step, "Only one step's output, e.g. customize-01, validate-01; or console");
  logs_command->add_flag("--validation", log->validation, "The validators' log")
      ->excludes(step_option);
  logs_command->callback([&services, id, log] {
    services.command = [&services, id, log] { return logs(*id, *log, services.settings); };
  });
  auto* gc_command = runs->add_subcommand("gc", "Clean up after killed runs; remove old ones");
  gc_command->add_option("--older-than", *days, "Also remove runs that ended so many days ago");
  gc_command->add_flag(
      "--kept",
      options->kept,
      "Also remove the disks that builds kept for `kiln shell` or `kiln distribute`");
  gc_command->add_flag("--dry-run", options->dry_run, "Only show what would be removed");
  gc_command->callback([&services, options, days] {
    services.command = [&services, options, days] {
      if (*days > 0) options->older_than = std::chrono::hours(24 * *days);
      return gc(*options, services.settings);
    };
  });
}

}  // namespace kiln
