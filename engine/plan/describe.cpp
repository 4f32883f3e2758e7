#include "disk/convert/fixed_vhd.h"
#include "engine/core/redact.h"
#include "engine/core/text.h"
#include "engine/plan/plan.h"

namespace kiln {
namespace {

std::string title(const Customizer& customizer) {
  return customizer.name().empty() ? std::string(customizer.type())
                                   : fmt::format("{} \"{}\"", customizer.type(), customizer.name());
}

}  // namespace

std::string describe_plan(const Plan& plan) {
  const auto& checked = plan.checked;
  std::string text = fmt::format("Template    {}", checked.image_template.name);
  if (!checked.image_template.api_version.empty()) {
    text += fmt::format(" (api-version {})", checked.image_template.api_version);
  }
  text +=
      fmt::format("\nSource      {}\n            {} ({}, {}{})",
                  checked.source->describe(),
                  plan.source_image.path.string(),
                  to_string(plan.source_image.format),
                  format_bytes(plan.source_image.virtual_size),
                  plan.source.hyper_v_generation == HyperVGeneration::kUnknown
                      ? ""
                      : fmt::format(", generation {}", to_string(plan.source.hyper_v_generation)));
  text += fmt::format("\nSandbox     {}: {}; network {}",
                      plan.sandbox,
                      plan.sandbox_reason,
                      plan.options.sandbox.network ? "on" : "off");
  int number = 0;
  for (const auto& step : checked.steps) {
    text += fmt::format(
        "\nStep {:<7}{}: {}", ++number, title(*step.customizer), step.customizer->describe());
    for (const auto& input : step.customizer->inputs()) {
      text += fmt::format("\n            fetches {}{}",
                          redact_url(input.uri),
                          input.sha256.empty() ? " (no sha256Checksum)" : "");
    }
  }
  text += "\nGeneralize  /tmp/DeprovisioningScript.sh, then Kiln's operations";
  if (!plan.options.generalize_skip.empty()) {
    text += fmt::format(" without {}", fmt::join(plan.options.generalize_skip, ", "));
  }
  if (!plan.options.generalize_also.empty()) {
    text += fmt::format(" and {}", fmt::join(plan.options.generalize_also, ", "));
  }
  text += fmt::format("\nDisk        fixed VHD of {}",
                      format_bytes(azure_virtual_size(plan.source_image.virtual_size)));
  number = 0;
  for (const auto& target : checked.targets) {
    text += fmt::format("\nTarget {:<5}{} \"{}\": {}",
                        ++number,
                        target.distributor->type(),
                        target.distributor->run_output_name(),
                        target.distributor->describe());
  }
  text += fmt::format("\nTime limit  {} min\n", checked.image_template.build_timeout.count());
  for (const auto& [name, value] : checked.image_template.parameters.items()) {
    text += fmt::format("Parameter   {} = {}\n", name, printable(dump_json(value), 120));
  }
  for (const auto& line : notices(checked)) text += "Notice      " + line + "\n";
  for (const auto& line : plan.source_image.warnings) text += "Warning     " + line + "\n";
  return text;
}

nlohmann::json plan_to_json(const Plan& plan) {
  const auto& checked = plan.checked;
  auto steps = nlohmann::json::array();
  for (const auto& step : checked.steps) {
    auto inputs = nlohmann::json::array();
    for (const auto& input : step.customizer->inputs()) {
      inputs.push_back({{"uri", redact_url(input.uri)}, {"sha256", input.sha256}});
    }
    steps.push_back({{"id", step.id},
                     {"type", step.customizer->type()},
                     {"name", step.customizer->name()},
                     {"what", step.customizer->describe()},
                     {"inputs", inputs}});
  }
  auto targets = nlohmann::json::array();
  for (const auto& target : checked.targets) {
    targets.push_back({{"id", target.id},
                       {"type", target.distributor->type()},
                       {"runOutputName", target.distributor->run_output_name()},
                       {"what", target.distributor->describe()}});
  }
  return {{"template", checked.image_template.name},
          {"apiVersion", checked.image_template.api_version},
          {"source",
           {{"type", checked.source->type()},
            {"identity", plan.source.identity},
            {"path", plan.source_image.path.string()},
            {"format", to_string(plan.source_image.format)},
            {"virtualSize", plan.source_image.virtual_size},
            {"hyperVGeneration", to_string(plan.source.hyper_v_generation)}}},
          {"sandbox",
           {{"kind", plan.sandbox},
            {"reason", plan.sandbox_reason},
            {"network", plan.options.sandbox.network},
            {"memoryMiB", plan.options.sandbox.memory_mib},
            {"vcpus", plan.options.sandbox.vcpus}}},
          {"steps", steps},
          {"generalize",
           {{"skip", plan.options.generalize_skip}, {"also", plan.options.generalize_also}}},
          {"disk", {{"virtualSize", azure_virtual_size(plan.source_image.virtual_size)}}},
          {"targets", targets},
          {"parameters", checked.image_template.parameters},
          {"timeLimitMinutes", checked.image_template.build_timeout.count()},
          {"notices", notices(checked)},
          {"warnings", plan.source_image.warnings}};
}

}  // namespace kiln
