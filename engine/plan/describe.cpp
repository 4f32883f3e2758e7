#include <algorithm>

#include "engine/core/redact.h"
#include "engine/core/text.h"
#include "engine/plan/plan.h"

namespace kiln {
namespace {

std::string title(const Customizer& customizer) {
  return customizer.name().empty()
             ? std::string(customizer.type())
             : fmt::format("{} \"{}\"", customizer.type(), printable(customizer.name()));
}

std::string describe_source(const Plan& plan) {
  auto text = fmt::format("\nSource      {}\n            ", plan.checked.source->describe());
  if (plan.install && !plan.install->fetch.empty()) {
    return text + "fetched, then installed: generation " +
           std::string(to_string(plan.source.hyper_v_generation));
  }
  if (!plan.source_found()) return text + "not on this machine, see below";
  if (plan.install) {
    const auto& order = plan.install->order;
    return text + fmt::format("installs {} from {}, generation {}{}",
                              order.media.title(),
                              plan.source.path.string(),
                              to_string(plan.source.hyper_v_generation),
                              order.answers ? ", with answers of its own" : "");
  }
  const auto generation = plan.source.hyper_v_generation;
  return text + fmt::format("{} ({}, {}{}{})",
                            plan.source_image.path.string(),
                            to_string(plan.source_image.format),
                            format_bytes(plan.source_image.virtual_size),
                            generation == HyperVGeneration::kUnknown
                                ? ""
                                : fmt::format(", generation {}", to_string(generation)),
                            plan.options.sandbox.trusted_launch ? ", TrustedLaunch" : "");
}

std::string describe_input(const StepInput& input, const UriMap& map) {
  const auto file = map.find(input.uri);
  return fmt::format("\n            fetches {}{}{}",
                     redact_url(input.uri),
                     file ? " from " + file->string() : "",
                     input.sha256.empty() ? " (no sha256Checksum)" : "");
}

std::string describe_steps(std::string_view label,
                           const std::vector<PlannedStep>& steps,
                           const UriMap& map,
                           const Plan* where = nullptr) {
  std::string text;
  int number = 0;
  for (const auto& step : steps) {
    text += fmt::format("\n{:<12}{}: {}",
                        fmt::format("{} {}", label, ++number),
                        title(*step.customizer),
                        step.customizer->describe());
    if (where != nullptr && where->boots()) {
      text += fmt::format("\n            in the booted system: {}", where->why_there(step));
    }
    for (const auto& input : step.customizer->inputs()) text += describe_input(input, map);
  }
  return text;
}

std::string describe_generalize(const Plan& plan) {
  if (plan.is_windows()) return "\nGeneralize  c:\\DeprovisioningScript.ps1 with sysprep";
  const auto& options = plan.options;
  std::string text = "\nGeneralize  /tmp/DeprovisioningScript.sh, then Kiln's operations";
  if (!options.generalize_skip.empty()) {
    text += fmt::format(" without {}", fmt::join(options.generalize_skip, ", "));
  }
  if (!options.generalize_also.empty()) {
    text += fmt::format(" and {}", fmt::join(options.generalize_also, ", "));
  }
  return text;
}

std::string describe_disk(const Plan& plan) {
  const auto size = plan.disk_size();
  if (!size) return "\nDisk        fixed VHD of the source's size";
  return fmt::format(
      "\nDisk        fixed VHD of {}{}{}",
      format_bytes(*size),
      plan.grown_size() ? ", grown from " + format_bytes(plan.source_image.virtual_size) : "",
      plan.checked.image_template.disk_size ? " (osDiskSizeGB)" : "");
}

std::string describe_sandbox(std::string_view label,
                             std::string_view name,
                             std::string_view reason,
                             const SandboxOptions& options) {
  std::string network = options.network ? "on, unrestricted" : "off";
  if (!options.destinations.empty()) {
    network = fmt::format("to {} only", fmt::join(destination_names(options), ", "));
  }
  const auto memory =
      name == "windows" ? fmt::format("; memory {} MiB", options.memory_mib) : std::string();
  return fmt::format("\n{:<12}{}: {}; network {}{}", label, name, reason, network, memory);
}

std::string describe_media(const Plan& plan) {
  std::string text;
  if (plan.install) {
    for (const auto& medium : plan.install->media) {
      text += fmt::format("\nMedium      of the installer is {}", printable(medium.iso.string()));
    }
  }
  for (const auto& medium : plan.options.sandbox.media) {
    if (plan.is_windows()) {
      text += fmt::format("\nMedium      {}, a disc in a drive of its own, is {}",
                          medium.name,
                          printable(medium.iso.string()));
      continue;
    }
    text += fmt::format(
        "\nMedium      /run/kiln/media/{} is {}", medium.name, printable(medium.iso.string()));
  }
  return text;
}

std::string describe_build(const Plan& plan) {
  if (!plan.builds())
    return "\nBuild       nothing, the source itself is validated (sourceValidationOnly)";
  return describe_sandbox("Sandbox", plan.sandbox, plan.sandbox_reason, plan.options.sandbox) +
         describe_steps("Step", plan.checked.steps, plan.options.uri_map, &plan) +
         describe_generalize(plan) + describe_disk(plan);
}

std::string describe_validation(const Plan& plan) {
  const auto& checked = plan.checked;
  if (checked.validations.empty()) return {};
  auto text =
      describe_sandbox(
          "Validate", plan.validation_sandbox, plan.validation_reason, plan.options.sandbox) +
      describe_steps("Check", checked.validations, plan.options.uri_map);
  if (checked.image_template.validate.continue_distribute_on_failure) {
    text += "\n            targets are served even if a check fails";
  }
  return text;
}

std::string describe_targets(const std::vector<PlannedTarget>& targets) {
  std::string text;
  int number = 0;
  for (const auto& target : targets) {
    text += fmt::format("\nTarget {:<5}{} \"{}\": {}",
                        ++number,
                        target.distributor->type(),
                        target.distributor->run_output_name(),
                        target.distributor->describe());
  }
  return text;
}

std::string describe_cloud(const Plan& plan) {
  if (!plan.needs_cloud()) return {};
  const auto& options = plan.options;
  return fmt::format("\nCloud       {} at {} ({})",
                     printable(options.cloud.name),
                     options.cloud.resource_manager,
                     options.cloud_chosen_by);
}

}  // namespace

std::string describe_plan(const Plan& plan) {
  const auto& checked = plan.checked;
  std::string text = fmt::format("Template    {}", checked.image_template.name);
  if (!checked.image_template.api_version.empty()) {
    text += fmt::format(" (api-version {})", checked.image_template.api_version);
  }
  text += describe_source(plan);
  text += describe_media(plan);
  text += describe_build(plan);
  text += describe_validation(plan);
  text += describe_targets(checked.targets);
  text += describe_cloud(plan);
  text += fmt::format("\nTime limit  {} min\n", checked.image_template.build_timeout.count());
  for (const auto& [name, value] : checked.image_template.parameters.items()) {
    text += fmt::format("Parameter   {} = {}\n", name, printable(dump_json(value), 120));
  }
  for (const auto& line : notices(checked)) text += "Notice      " + line + "\n";
  for (const auto& line : warnings(plan)) text += "Warning     " + line + "\n";
  for (const auto& error : plan.blockers) {
    text += fmt::format("Not yet     {}\n            cure: {}\n", error.summary(), error.cure());
  }
  return text;
}

}  // namespace kiln
