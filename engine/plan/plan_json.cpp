#include "engine/core/redact.h"
#include "engine/plan/plan.h"

namespace kiln {
namespace {

nlohmann::json steps_json(const std::vector<PlannedStep>& planned) {
  auto steps = nlohmann::json::array();
  for (const auto& step : planned) {
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
  return steps;
}

/// Steps of the build, with the place where each runs.
nlohmann::json build_steps_json(const Plan& plan) {
  auto steps = steps_json(plan.checked.steps);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    steps[i]["runsIn"] = plan.boots() ? "booted system" : "mounted image";
    steps[i]["because"] = plan.why_there(plan.checked.steps[i]);
  }
  return steps;
}

nlohmann::json targets_json(const std::vector<PlannedTarget>& planned) {
  auto targets = nlohmann::json::array();
  for (const auto& target : planned) {
    targets.push_back({{"id", target.id},
                       {"type", target.distributor->type()},
                       {"runOutputName", target.distributor->run_output_name()},
                       {"what", target.distributor->describe()}});
  }
  return targets;
}

nlohmann::json media_json(const std::vector<OfflineMedium>& media) {
  auto all = nlohmann::json::array();
  for (const auto& medium : media) {
    all.push_back({{"name", medium.name}, {"path", medium.iso.string()}});
  }
  return all;
}

nlohmann::json source_json(const Plan& plan) {
  nlohmann::json source = {{"type", plan.checked.source->type()},
                           {"what", plan.checked.source->describe()},
                           {"found", plan.source_found()}};
  if (!plan.source_found()) return source;
  source["identity"] = plan.source.identity;
  if (plan.install) {
    const auto& order = plan.install->order;
    source["install"] = {{"family", to_string(order.media.family)},
                         {"product", order.media.title()},
                         {"generation", to_string(plan.source.hyper_v_generation)},
                         {"diskSize", order.disk_bytes},
                         {"media", media_json(plan.install->media)}};
    source["path"] = plan.source.path.string();
    return source;
  }
  source["path"] = plan.source_image.path.string();
  source["format"] = to_string(plan.source_image.format);
  source["virtualSize"] = plan.source_image.virtual_size;
  source["hyperVGeneration"] = to_string(plan.source.hyper_v_generation);
  source["securityType"] = to_string(plan.source.security_type);
  return source;
}

nlohmann::json validate_json(const Plan& plan) {
  const auto& validate = plan.checked.image_template.validate;
  return {{"steps", steps_json(plan.checked.validations)},
          {"sandbox", {{"kind", plan.validation_sandbox}, {"reason", plan.validation_reason}}},
          {"continueDistributeOnFailure", validate.continue_distribute_on_failure},
          {"sourceValidationOnly", validate.source_only}};
}

nlohmann::json blockers_json(const std::vector<Error>& blockers) {
  auto array = nlohmann::json::array();
  for (const auto& error : blockers) {
    array.push_back({{"code", error.code()},
                     {"message", error.message()},
                     {"where", error.where()},
                     {"cure", error.cure()}});
  }
  return array;
}

nlohmann::json cloud_json(const PlanOptions& options) {
  return {{"name", options.cloud.name},
          {"resourceManager", options.cloud.resource_manager},
          {"chosenBy", options.cloud_chosen_by}};
}

}  // namespace

std::vector<std::string> warnings(const Plan& plan) {
  auto lines = plan.checked.image_template.found.lines(Severity::kWarning);
  for (const auto& line : plan.source_image.warnings) lines.push_back(line);
  if (!plan.builds() && plan.checked.validations.empty()) {
    lines.emplace_back("sourceValidationOnly without inVMValidations validates nothing");
  }
  return lines;
}

nlohmann::json plan_to_json(const Plan& plan) {
  const auto& checked = plan.checked;
  nlohmann::json disk = nlohmann::json::object();
  if (const auto size = plan.disk_size()) disk["virtualSize"] = *size;
  nlohmann::json json = {
      {"template", checked.image_template.name},
      {"id",
       fmt::format("{}/providers/Microsoft.VirtualMachineImages/imageTemplates/{}",
                   checked.image_template.group_id,
                   checked.image_template.name)},
      {"apiVersion", checked.image_template.api_version},
      {"location", checked.image_template.location},
      {"tags", checked.image_template.tags},
      {"source", source_json(plan)},
      {"sandbox",
       {{"kind", plan.sandbox},
        {"reason", plan.sandbox_reason},
        {"network", plan.options.sandbox.network},
        {"destinations", destination_names(plan.options.sandbox)},
        {"media", media_json(plan.options.sandbox.media)},
        {"memoryMiB", plan.options.sandbox.memory_mib},
        {"vcpus",
         plan.boots() ? vcpus_to_boot(plan.options.sandbox)
                      : vcpus_to_mount(plan.options.sandbox)}}},
      {"steps", build_steps_json(plan)},
      {"generalize",
       {{"skip", plan.options.generalize_skip}, {"also", plan.options.generalize_also}}},
      {"disk", disk},
      {"validate", validate_json(plan)},
      {"targets", targets_json(checked.targets)},
      {"parameters", checked.image_template.parameters},
      {"timeLimitMinutes", checked.image_template.build_timeout.count()},
      {"notices", notices(checked)},
      {"warnings", warnings(plan)},
      {"blockers", blockers_json(plan.blockers)}};
  if (plan.needs_cloud()) json["cloud"] = cloud_json(plan.options);
  return json;
}

}  // namespace kiln
