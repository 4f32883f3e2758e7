// `kiln doctor`
#include <algorithm>

#include <fmt/format.h>

#include "engine/cli/doctor.h"
#include "engine/cli/services.h"

namespace kiln {
namespace {

std::string_view to_string(Finding::Level level) {
  switch (level) {
    case Finding::Level::kOk:
      return "ok";
    case Finding::Level::kWarning:
      return "warning";
    case Finding::Level::kProblem:
      return "problem";
  }
  return "problem";
}

Result<ExitCode> doctor(const std::filesystem::path& output_folder, Services& services) {
  const auto& settings = services.settings;
  const auto findings = examine_host({std::filesystem::absolute(settings.state_folder),
                                      std::filesystem::absolute(settings.cache_folder),
                                      std::filesystem::absolute(output_folder).lexically_normal(),
                                      appliance_folder()},
                                     *services.runner,
                                     services.cancel);
  std::string text;
  auto json = nlohmann::json::array();
  for (const auto& finding : findings) {
    text +=
        fmt::format("{:<8} {:<20} {}\n", to_string(finding.level), finding.what, finding.detail);
    if (!finding.cure.empty()) text += fmt::format("{:<8} {:<20} cure: {}\n", "", "", finding.cure);
    json.push_back({{"level", to_string(finding.level)},
                    {"what", finding.what},
                    {"detail", finding.detail},
                    {"cure", finding.cure}});
  }
  print_result(settings, text, json);
  const bool ready = std::none_of(findings.begin(), findings.end(), [](const auto& finding) {
    return finding.level == Finding::Level::kProblem;
  });
  return ready ? ExitCode::kOk : ExitCode::kHostNotReady;
}

}  // namespace

void add_doctor_command(CLI::App& app, Services& services) {
  auto* command = app.add_subcommand(
      "doctor", "Check this host, with the cure for each finding; writes nothing");
  auto output_folder = std::make_shared<std::filesystem::path>(".");
  command->add_option("--output-dir", *output_folder, "Where `kiln build` would write its disks")
      ->envname("KILN_OUTPUT_DIR")
      ->capture_default_str();
  command->callback([&services, output_folder] {
    services.command = [&services, output_folder] { return doctor(*output_folder, services); };
  });
}

}  // namespace kiln
