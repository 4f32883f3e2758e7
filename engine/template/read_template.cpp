#include "engine/template/read_template.h"

#include <unordered_map>

#include "engine/core/text.h"
#include "engine/template/envelope.h"
#include "engine/template/fields.h"

namespace kiln {
namespace {

constexpr std::int64_t kDefaultTimeout = 240;
/// Shorter ones fail in the service, though its schema lets them pass.
constexpr std::int64_t kShortestServiceTimeout = 6;

TemplateItem read_item(const JsonReader& body) {
  const auto type = find_any_case(body, "type");
  return {type && type->value().is_string() ? type->value().get<std::string>() : "", body};
}

std::vector<TemplateItem> read_items(const Record& record, std::string_view field) {
  std::vector<TemplateItem> items;
  if (!record.has(field) || record.is_unknown(field)) return items;
  const auto bodies = record.at(field).items();
  KILN_CHECK(bodies.has_value());  // it is an array, as was checked
  for (const auto& body : *bodies) items.push_back(read_item(body));
  return items;
}

/// Names of run outputs are ARM resource names, so case does not tell two of them apart. A missing
/// or malformed one is the distributor's to refuse.
void check_run_outputs(const std::vector<TemplateItem>& distribute,
                       const ContractContext& context) {
  std::unordered_map<std::string, std::string> seen;
  for (const auto& item : distribute) {
    const auto field = find_any_case(item.body, "runOutputName");
    if (!field || !field->value().is_string()) continue;
    const auto name = field->value().get<std::string>();
    if (name.empty()) continue;
    const auto [first, fresh] = seen.emplace(to_lower(name), field->where());
    if (fresh) continue;
    context.error(
        *field,
        "Template:DuplicateRunOutput",
        fmt::format("two distribute targets have the runOutputName \"{}\"", printable(name, 80)),
        "a name that no other target has",
        fmt::format("give each target a runOutputName of its own; the other is at {}",
                    first->second));
  }
}

void read_timeout(const Record& properties,
                  const ContractContext& context,
                  ImageTemplate& image_template) {
  const auto minutes = properties.integer("buildTimeoutInMinutes", 0);
  image_template.build_timeout = std::chrono::minutes(minutes == 0 ? kDefaultTimeout : minutes);
  if (minutes == 0 || minutes >= kShortestServiceTimeout) return;
  context.notice(properties.at("buildTimeoutInMinutes"),
                 "Template:ShortTimeout",
                 fmt::format("a build time limit of {} min works here, but the service needs {}",
                             minutes,
                             kShortestServiceTimeout));
}

OnError read_on_error(const Record& handling, std::string_view name) {
  return handling.text(name) == "abort" ? OnError::kAbort : OnError::kCleanup;
}

void read_validation(const Record& validate, ImageTemplate& image_template) {
  auto& validation = image_template.validate;
  validation.continue_distribute_on_failure = validate.flag("continueDistributeOnFailure");
  validation.source_only = validate.flag("sourceValidationOnly");
}

void read_profile(const Record& profile,
                  const ContractContext& context,
                  ImageTemplate& image_template) {
  if (const auto size = profile.integer("osDiskSizeGB", 0); size > 0) {
    image_template.disk_size = DiskSize{size, profile.at("osDiskSizeGB")};
  }
  const auto* network = profile.record("vnetConfig");
  if (network == nullptr || !network->has("containerInstanceSubnetId")) return;
  const auto& place = network->at("containerInstanceSubnetId");
  if (!network->has("subnetId")) {
    context.warning(place,
                    "Template:NetworkConflict",
                    "the service wants subnetId beside containerInstanceSubnetId",
                    "add subnetId");
  }
  if (!network->text("proxyVmSize").empty()) {
    context.warning(place,
                    "Template:NetworkConflict",
                    "the service refuses proxyVmSize beside containerInstanceSubnetId",
                    "remove proxyVmSize");
  }
}

void check_staging_group(const Record& properties, const ContractContext& context) {
  const auto id = properties.text("stagingResourceGroup");
  if (id.empty() || id.find('<') != std::string::npos) return;
  const auto parts = split(id, '/');
  const bool sound = parts.size() == 5 && parts[0].empty() && !parts[4].empty() &&
                     equal_ignoring_case(parts[1], "subscriptions") &&
                     equal_ignoring_case(parts[3], "resourceGroups");
  if (sound) return;
  context.warning(properties.at("stagingResourceGroup"),
                  "Template:BadStagingResourceGroup",
                  "this is not the resource id of a resource group",
                  "write /subscriptions/…/resourceGroups/NAME");
}

void read_properties(const Record& properties,
                     const ContractContext& context,
                     ImageTemplate& image_template) {
  read_timeout(properties, context, image_template);
  check_staging_group(properties, context);
  if (const auto* profile = properties.record("vmProfile")) {
    read_profile(*profile, context, image_template);
  }
  if (const auto* validate = properties.record("validate")) {
    read_validation(*validate, image_template);
  }
  if (const auto* handling = properties.record("errorHandling")) {
    image_template.on_customizer_error = read_on_error(*handling, "onCustomizerError");
    image_template.on_validation_error = read_on_error(*handling, "onValidationError");
  }
  if (properties.has("media") && !properties.is_unknown("media")) {
    image_template.media = properties.at("media").items().value();  // strings, as was checked
  }
  for (const auto& disk : properties.records("additionalDataDisks")) {
    image_template.data_disks.push_back(disk.integer("sizeGB", 0));
  }
  if (!image_template.data_disks.empty()) {
    image_template.blockers.push_back(not_yet_supported(
        properties.at("additionalDataDisks"), "data disks (additionalDataDisks)", "remove it"));
  }
}

void read_all_items(const Record& properties,
                    const ContractContext& context,
                    ImageTemplate& image_template) {
  if (properties.has("source") && !properties.is_unknown("source")) {
    image_template.source = read_item(properties.at("source"));
  }
  image_template.customize = read_items(properties, "customize");
  if (const auto* validate = properties.record("validate")) {
    image_template.validate.checks = read_items(*validate, "inVMValidations");
  }
  image_template.distribute = read_items(properties, "distribute");
  if (!properties.is_unknown("distribute") && image_template.distribute.empty()) {
    context.error(properties.at("distribute"),
                  "Template:NoDistribute",
                  "no distribute target is given",
                  "at least one target",
                  R"(add one, e.g. {"type": "VHD", "runOutputName": "image"})");
  }
  check_run_outputs(image_template.distribute, context);
}

}  // namespace

ImageTemplate read_template(const JsonReader& resource,
                            std::string_view document_name,
                            bool deployed,
                            Diagnostics already_found) {
  ImageTemplate image_template;
  auto& found = image_template.found;
  found = std::move(already_found);
  image_template.version = read_api_version(resource, found);
  const auto written = resource.find("apiVersion");
  image_template.versioned = written && !written->is_unknown();
  // Of an api-version that is yet to be given, the milder rules.
  if (written && written->is_unknown()) image_template.version = ApiVersion::k2023;
  const ContractContext context{image_template.version, found, "Other", image_template.versioned};
  image_template.name = name_from_file(document_name);
  if (const auto record = check_record(resource, kImageTemplateType, context)) {
    image_template.name = read_name(*record, document_name, context);
    image_template.api_version = record->text("apiVersion");
    image_template.location = record->text("location");
    image_template.tags = record->map("tags");
    image_template.canonical = record->to_json();
    check_resource_type(*record, context);
    if (const auto* properties = record->record("properties")) {
      read_properties(*properties, context, image_template);
      read_all_items(*properties, context.of("BadDistributeType"), image_template);
    }
  }
  // What names Kiln's own source is not for the service.
  const auto& source = image_template.source;
  if (!source || !source->type.starts_with("Kiln"))
    check_service_needs(resource, deployed, context);
  return image_template;
}

}  // namespace kiln
