#include "engine/cli/report_run.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "engine/cli/services.h"

namespace kiln {
namespace {

std::string describe(const BuildReport& report) {
  std::string text;
  for (const auto& artifact : report.artifacts) {
    text +=
        fmt::format("{:<12} {}\n",
                    artifact.run_output_name,
                    artifact.artifact_uri.empty() ? artifact.artifact_id : artifact.artifact_uri);
  }
  if (report.to_distribute) {
    text += fmt::format("{:<12} kiln distribute {}\n", "finished", report.run_id);
  }
  if (report.kept) text += fmt::format("{:<12} kiln shell {}\n", "kept disk", report.run_id);
  return text + fmt::format("{:<12} {}\n", "run record", report.run_folder.string());
}

nlohmann::json to_json(const BuildReport& report) {
  auto outputs = nlohmann::json::array();
  for (const auto& artifact : report.artifacts) {
    outputs.push_back({{"name", artifact.run_output_name},
                       {"artifactUri", artifact.artifact_uri},
                       {"artifactId", artifact.artifact_id},
                       {"sizeBytes", artifact.size_bytes}});
  }
  return {{"run", report.run_id},
          {"runFolder", report.run_folder.string()},
          {"runState", to_string(report.state)},
          {"kept", report.kept},
          {"toDistribute", report.to_distribute},
          {"runOutputs", outputs}};
}

}  // namespace

Result<ExitCode> report_run(const Settings& settings, const BuildReport& report) {
  print_result(settings, describe(report), to_json(report));
  if (report.errors.empty()) return ExitCode::kOk;
  auto first = report.errors.front();
  for (std::size_t i = 1; i < report.errors.size(); ++i) {
    first = std::move(first).followed_by(report.errors[i]);
  }
  if (report.kept) {
    first = std::move(first).cure(
        fmt::format("`kiln shell {}` opens a shell in the kept disk", report.run_id));
  }
  if (report.to_distribute) {
    first = std::move(first).cure(
        fmt::format("`kiln distribute {}` goes on with what is not delivered", report.run_id));
  }
  return std::move(first).cure(
      fmt::format("`kiln runs logs {}` shows the whole log", report.run_id));
}

}  // namespace kiln
