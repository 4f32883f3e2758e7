#include "engine/plan/choose_sandbox.h"

#include <algorithm>

namespace kiln {
namespace {

Result<SandboxChoice> choose_for_windows(SandboxMode mode) {
  if (mode != SandboxMode::kMount) {
    return SandboxChoice{"windows", "programs of Windows run only in a Windows that is booted"};
  }
  return fail(ErrorKind::kInvalidTemplate,
              "Plan:WindowsNeedsBoot",
              "an image of Windows cannot be built mounted: its programs run only in a Windows "
              "that is booted")
      .at("--mode")
      .cure("leave --mode out, or write --mode boot");
}

}  // namespace

Result<SandboxChoice> choose_sandbox(const CheckedTemplate& checked,
                                     StepSystem system,
                                     SandboxMode mode) {
  if (system == StepSystem::kWindows) return choose_for_windows(mode);
  const auto needs = std::find_if(checked.steps.begin(), checked.steps.end(), [](const auto& step) {
    return !step.customizer->needs_boot().empty();
  });
  if (mode == SandboxMode::kBoot) return SandboxChoice{"guest", "--mode boot asks for it"};
  if (needs != checked.steps.end()) {
    const auto number = std::stoul(needs->id.substr(needs->id.rfind('-') + 1));
    if (mode == SandboxMode::kAuto) {
      return SandboxChoice{
          "guest",
          fmt::format(
              "step {} ({}) needs the image's own system", number, needs->customizer->type())};
    }
    return fail(ErrorKind::kInvalidTemplate,
                "Plan:NeedsBoot",
                "step {} ({}) cannot run in the mounted image: {}",
                number,
                needs->customizer->type(),
                needs->customizer->needs_boot())
        .at(checked.image_template.customize[number - 1].body.where())
        .cure("leave --mode out, or write --mode boot");
  }
  if (mode == SandboxMode::kMount) return SandboxChoice{"appliance", "--mode mount asks for it"};
  return SandboxChoice{"appliance",
                       checked.steps.empty() ? "there are no steps to run"
                                             : "every step can run in the mounted image"};
}

SandboxChoice choose_validation_sandbox(const CheckedTemplate& checked,
                                        StepSystem system,
                                        SandboxMode mode) {
  const bool windows = system == StepSystem::kWindows;
  if (mode == SandboxMode::kMount && !windows) return {"appliance", "--mode mount asks for it"};
  return {windows ? "windows" : "guest",
          fmt::format("validators run in a system booted from the {}, as in the service",
                      checked.image_template.validate.source_only ? "source" : "image")};
}

Firmware firmware_of(HyperVGeneration generation) {
  switch (generation) {
    case HyperVGeneration::kV1:
      return Firmware::kBios;
    case HyperVGeneration::kV2:
      return Firmware::kUefi;
    case HyperVGeneration::kUnknown:
      return Firmware::kAny;
  }
  return Firmware::kAny;
}

std::string_view Plan::why_there(const PlannedStep& step) const {
  if (!boots()) return "it can run in the mounted image";
  const auto needs = step.customizer->needs_boot();
  return needs.empty() ? "all steps of a build run in one place" : needs;
}

}  // namespace kiln
