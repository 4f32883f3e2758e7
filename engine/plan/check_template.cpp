#include <unordered_map>

#include "engine/plan/plan.h"

namespace kiln {
namespace {

/// Reads a list of items; what has an error is left out and told in `found`.
template <class Planned, class Parse, class Place>
nlohmann::json read_items(const std::vector<TemplateItem>& items,
                          std::string_view prefix,
                          Parse&& parse,
                          Place&& place) {
  auto canonical = nlohmann::json::array();
  std::size_t number = 0;
  for (const auto& item : items) {
    auto id = fmt::format("{}-{:02}", prefix, ++number);
    auto parsed = parse(item.body);
    if (!parsed.item) continue;
    canonical.push_back(std::move(parsed.canonical));
    place(Planned{std::move(id), std::move(parsed.item)});
  }
  return canonical;
}

/// Two targets that would overwrite each other.
void refuse_same_targets(const CheckedTemplate& checked, const ContractContext& context) {
  std::unordered_map<std::string, std::string> seen;
  for (const auto& target : checked.targets) {
    const auto key = target.distributor->target_key();
    if (key.empty()) continue;
    const auto& name = target.distributor->run_output_name();
    const auto [first, fresh] = seen.emplace(key, name);
    if (fresh) continue;
    const auto index = std::stoul(target.id.substr(target.id.rfind('-') + 1)) - 1;
    context.error(
        checked.image_template.distribute[index].body,
        "Template:SameTarget",
        fmt::format("the targets {} and {} would write the same thing", first->second, name),
        "a target of its own",
        "give each target a uri or resource id of its own");
  }
}

/// Steps of both systems can never run in one image.
void note_mixed_systems(const CheckedTemplate& checked, const ContractContext& context) {
  auto system = StepSystem::kAny;
  const auto note = [&](const PlannedStep& planned, const std::vector<TemplateItem>& items) {
    const auto& step = *planned.customizer;
    if (step.system() == StepSystem::kAny) return false;
    if (system == StepSystem::kAny) system = step.system();
    if (step.system() == system) return false;
    const auto index = std::stoul(planned.id.substr(planned.id.rfind('-') + 1));
    context.warning(items[index - 1].body,
                    "Template:MixedSystems",
                    fmt::format("this {} step is for {}, earlier ones are for {}",
                                step.type(),
                                system == StepSystem::kLinux ? "Windows" : "Linux",
                                system == StepSystem::kLinux ? "Linux" : "Windows"),
                    "a template builds one image; keep the steps of its system");
    return true;
  };
  for (const auto& step : checked.steps) {
    if (note(step, checked.image_template.customize)) return;
  }
  for (const auto& step : checked.validations) {
    if (note(step, checked.image_template.validate.checks)) return;
  }
}

/// The number of a source that has none cannot be copied.
void note_source_versioning(const CheckedTemplate& checked, const ContractContext& context) {
  const auto type = checked.source->type();
  if (type == "PlatformImage" || type == "SharedImageVersion") return;
  for (const auto& target : checked.image_template.distribute) {
    const auto versioning = target.body.find("versioning");
    const auto scheme = versioning ? versioning->find("scheme") : std::nullopt;
    if (!scheme || scheme->value() != "Source") continue;
    context.warning(*scheme,
                    "SharedImage:NoSourceVersion",
                    fmt::format("a source of type {} has no version to copy", type),
                    R"(write "scheme": "Latest")");
  }
}

}  // namespace

CheckedTemplate examine_items(ImageTemplate image_template) {
  CheckedTemplate checked{std::move(image_template), nullptr, {}, {}, {}, {}};
  auto& document = checked.image_template;
  const ContractContext context{document.version, document.found, "Other", document.versioned};
  checked.canonical = document.canonical;
  auto& properties = checked.canonical["properties"];
  if (document.source) {
    auto parsed = parse_source(document.source->body, context);
    checked.source = std::move(parsed.item);
    properties["source"] = std::move(parsed.canonical);
  }
  const auto customizer = [&](const JsonReader& body) { return parse_customizer(body, context); };
  const auto validator = [&](const JsonReader& body) { return parse_validator(body, context); };
  const auto target = [&](const JsonReader& body) { return parse_distributor(body, context); };
  auto steps =
      read_items<PlannedStep>(document.customize, "customize", customizer, [&](PlannedStep step) {
        checked.steps.push_back(std::move(step));
      });
  if (!steps.empty()) properties["customize"] = std::move(steps);
  auto validations = read_items<PlannedStep>(
      document.validate.checks, "validate", validator, [&](PlannedStep step) {
        checked.validations.push_back(std::move(step));
      });
  if (!validations.empty()) properties["validate"]["inVMValidations"] = std::move(validations);
  properties["distribute"] =
      read_items<PlannedTarget>(document.distribute, "distribute", target, [&](PlannedTarget one) {
        checked.targets.push_back(std::move(one));
      });
  refuse_same_targets(checked, context.of("BadDistributeType"));
  note_mixed_systems(checked, context);
  if (checked.source) note_source_versioning(checked, context);
  return checked;
}

Result<CheckedTemplate> check_template(ImageTemplate image_template, std::vector<Error>* others) {
  auto checked = examine_items(std::move(image_template));
  auto errors = checked.image_template.found.errors();
  if (errors.empty()) return checked;
  if (others != nullptr) others->assign(errors.begin() + 1, errors.end());
  return std::move(errors.front());
}

std::vector<std::string> notices(const CheckedTemplate& checked) {
  return checked.image_template.found.lines(Severity::kNotice);
}

}  // namespace kiln
