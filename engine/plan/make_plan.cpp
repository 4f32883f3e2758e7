#include <set>

#include "customizers/generalize/generalize.h"
#include "disk/image/probe.h"
#include "engine/plan/plan.h"

namespace kiln {
namespace {

Result<void> refuse_repeated_outputs(const CheckedTemplate& checked) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < checked.targets.size(); ++i) {
    const auto& name = checked.targets[i].distributor->run_output_name();
    if (!names.insert(name).second) {
      return checked.image_template.distribute[i].body.error(
          "Template:RepeatedRunOutputName",
          fmt::format("the runOutputName \"{}\" is used by an earlier distributor", name));
    }
  }
  return {};
}

Result<void> check_generation(const Plan& plan) {
  constexpr std::uint64_t kLargestGeneration1 = 2 * kTiB;
  if (plan.source.hyper_v_generation == HyperVGeneration::kV1 &&
      plan.source_image.virtual_size > kLargestGeneration1) {
    return fail(ErrorKind::kUnsupported,
                "Plan:TooLargeForGeneration1",
                "{} has {}, and Azure starts generation 1 disks of at most 2 TiB",
                plan.source_image.path.string(),
                plan.source_image.virtual_size);
  }
  return {};
}

}  // namespace

Result<CheckedTemplate> check_template(ImageTemplate image_template) {
  CheckedTemplate checked{std::move(image_template), nullptr, {}, {}};
  const auto& items = checked.image_template;
  KILN_TRY_ASSIGN(checked.source, parse_source(items.source.body));
  for (const auto& item : items.customize) {
    KILN_TRY_ASSIGN(auto customizer, parse_customizer(item.body));
    checked.steps.push_back(
        {fmt::format("customize-{:02}", checked.steps.size() + 1), std::move(customizer)});
  }
  for (const auto& item : items.distribute) {
    KILN_TRY_ASSIGN(auto distributor, parse_distributor(item.body));
    checked.targets.push_back(
        {fmt::format("distribute-{:02}", checked.targets.size() + 1), std::move(distributor)});
  }
  KILN_TRY(refuse_repeated_outputs(checked));
  return checked;
}

std::vector<std::string> notices(const CheckedTemplate& checked) {
  auto lines = checked.image_template.notices;
  for (auto& line : checked.source->notices()) lines.push_back(std::move(line));
  return lines;
}

Result<Plan> make_plan(CheckedTemplate checked, PlanOptions options) {
  for (const auto* names : {&options.generalize_skip, &options.generalize_also}) {
    for (const auto& name : *names) KILN_TRY(check_generalize_operation(name));
  }
  KILN_TRY_ASSIGN(auto source, checked.source->resolve({options.catalog, options.template_folder}));
  KILN_TRY_ASSIGN(auto source_image, probe_image(source.path));
  std::string reason = checked.steps.empty() ? "there are no steps to run"
                                             : "every step can run in the mounted image";
  Plan plan{std::move(checked),
            std::move(source),
            std::move(source_image),
            "appliance",
            std::move(reason),
            std::move(options)};
  KILN_TRY(check_generation(plan));
  return plan;
}

}  // namespace kiln
