#include <algorithm>

#include "customizers/generalize/generalize.h"
#include "disk/convert/fixed_vhd.h"
#include "disk/image/probe.h"
#include "engine/core/bytes.h"
#include "engine/core/redact.h"
#include "engine/core/text.h"
#include "engine/plan/choose_sandbox.h"
#include "engine/plan/find_disc.h"
#include "engine/plan/find_media.h"
#include "engine/plan/plan.h"
#include "engine/sandbox/windows/windows_sandbox.h"
#include "uploaders/transport/fetcher.h"

namespace kiln {
namespace {

Result<void> check_generation(const Plan& plan) {
  constexpr std::uint64_t kLargestGeneration1 = 2 * kTiB;
  const auto size = plan.disk_size().value_or(0);
  if (plan.source.hyper_v_generation != HyperVGeneration::kV1 || size <= kLargestGeneration1) {
    return {};
  }
  constexpr std::string_view kCode = "Plan:TooLargeForGeneration1";
  constexpr std::string_view kLimit = "Azure starts generation 1 disks of at most 2 TiB";
  if (plan.source_image.virtual_size <= kLargestGeneration1) {
    return plan.checked.image_template.disk_size->place
        .error(std::string(kCode),
               fmt::format("the disk would have {}, and {}", format_bytes(size), kLimit))
        .cure("write 2048 or less, or use an image of generation 2");
  }
  return fail(ErrorKind::kUnsupported,
              std::string(kCode),
              "{} has {}, and {}",
              plan.source_image.path.string(),
              format_bytes(plan.source_image.virtual_size),
              kLimit);
}

Result<void> check_security(const Plan& plan) {
  if (plan.source.security_type != SecurityType::kTrustedLaunch ||
      plan.source.hyper_v_generation != HyperVGeneration::kV1) {
    return {};
  }
  return fail(ErrorKind::kInvalidTemplate,
              "Plan:TrustedLaunchNeedsV2",
              "{} is said to be of security type TrustedLaunch and of generation V1, and Secure "
              "Boot "
              "needs UEFI",
              plan.source_image.path.string())
      .cure("say generation V2, or leave the security type out");
}

/// A step for the other system is told before anything starts.
Result<void> check_systems(const Plan& plan) {
  const auto os_type = plan.source.os_type;
  if (os_type == OsType::kUnknown) return {};
  const auto wanted = os_type == OsType::kLinux ? StepSystem::kLinux : StepSystem::kWindows;
  const auto& document = plan.checked.image_template;
  const auto check = [&](const auto& steps, const auto& items) -> Result<void> {
    for (const auto& step : steps) {
      const auto system = step.customizer->system();
      if (system == StepSystem::kAny || system == wanted) continue;
      return fail(ErrorKind::kInvalidTemplate,
                  "Template:WrongSystem",
                  "step {} ({}) cannot run in a {} image",
                  step.id,
                  step.customizer->type(),
                  to_string(os_type))
          .at(items[std::stoul(step.id.substr(step.id.rfind('-') + 1)) - 1].body.where())
          .cure("remove the step, or choose another source");
    }
    return {};
  };
  KILN_TRY(check(plan.checked.steps, document.customize));
  return check(plan.checked.validations, document.validate.checks);
}

/// What the host, or this version, does not have for an image of Windows.
void block_windows(Plan& plan) {
  if (!plan.is_windows()) return;
  const auto& source = plan.checked.image_template.source->body;
  if (plan.install) {
    plan.blockers.push_back(not_yet_supported(source,
                                              "Windows from an installer's disc",
                                              "install it elsewhere and use its disk as the "
                                              "source"));
  }
  if (auto agent = check_windows_agent(); !agent) {
    plan.blockers.push_back(std::move(agent).error().at(source.where()));
  }
}

/// Options that the sandbox for Windows has not.
Result<void> check_windows_options(const Plan& plan) {
  const auto& sandbox = plan.options.sandbox;
  if (!plan.is_windows()) return {};
  if (!sandbox.destinations.empty()) {
    return fail(ErrorKind::kUnsupported,
                "Plan:NoDestinations",
                "in an image of Windows the network cannot be restricted to named servers")
        .at("--network")
        .cure(
            "leave it out: Kiln fetches scriptUri and sourceUri on the host; --network alone "
            "allows every server");
  }
  for (const auto& [flag, names] :
       {std::pair{"--generalize-skip", &plan.options.generalize_skip},
        std::pair{"--generalize-also", &plan.options.generalize_also}}) {
    if (names->empty()) continue;
    return fail(ErrorKind::kUnsupported,
                "Plan:WindowsGeneralizes",
                "an image of Windows is generalized by sysprep, which has no such operation as {}",
                names->front())
        .at(flag)
        .cure(R"(leave it out; a step may edit c:\DeprovisioningScript.ps1)");
  }
  if (sandbox.appliance != ApplianceChoice::kMicro) return {};
  return fail(ErrorKind::kUnsupported,
              "Plan:WindowsNeedsLibguestfs",
              "the micro-appliance cannot read the registry of Windows")
      .at("--sandbox")
      .cure("leave --sandbox out, or write --sandbox appliance");
}

/// Where the user has not said it: Windows 11 and Server with a desktop ask for 4 GiB.
unsigned memory_for(const Plan& plan) {
  constexpr unsigned kWindowsMib = 4096;
  const auto otherwise = plan.is_windows() ? kWindowsMib : plan.options.sandbox.memory_mib;
  return plan.options.memory_mib.value_or(otherwise);
}

/// `osDiskSizeGB` may only grow the disk.
Result<void> check_disk_size(const Plan& plan) {
  constexpr std::int64_t kLargestGib = 4096;
  const auto& wanted = plan.checked.image_template.disk_size;
  if (!wanted || !plan.builds()) return {};
  if (wanted->gib > kLargestGib) {
    return wanted->place
        .error("Template:DiskTooLarge",
               fmt::format("osDiskSizeGB is {}, and Azure's OS disks have at most {} GiB",
                           wanted->gib,
                           kLargestGib))
        .cure("write a smaller number, or leave it out");
  }
  if (!plan.source_found()) return {};
  const auto bytes = static_cast<std::uint64_t>(wanted->gib) * kGiB;
  const auto size = azure_virtual_size(plan.source_image.virtual_size);
  if (bytes >= size) return {};
  return wanted->place
      .error("Template:DiskTooSmall",
             fmt::format("osDiskSizeGB is {}, but the source has {}, and a disk only grows",
                         wanted->gib,
                         format_bytes(size)))
      .cure(fmt::format("write {} or more, or leave it out", (size + kGiB - 1) / kGiB));
}

/// A source that is not on this machine leaves the plan without an image, not the user without a
/// plan.
Result<void> find_source(Plan& plan) {
  auto source = plan.checked.source->resolve({plan.options.catalog, plan.options.template_folder});
  if (!source && source.error().kind() == ErrorKind::kNotFound) {
    plan.blockers.push_back(std::move(source).error());
    return {};
  }
  if (!source) return std::move(source).error();
  plan.source = *std::move(source);
  if (plan.source.disc) {
    find_disc(plan);
    return {};
  }
  KILN_TRY_ASSIGN(plan.source_image, probe_image(plan.source.path));
  return {};
}

/// Why a build would not get a file. Nothing is asked of the network.
std::optional<Error> missing_input(const StepInput& input,
                                   const PlanOptions& options,
                                   Fetcher& host) {
  const auto stand_in = options.uri_map.find(input.uri);
  if (!stand_in && is_remote(input.uri)) {
    if (!options.offline) return std::nullopt;
    return refused_offline(input.uri).at(input.where);
  }
  auto here = host.check(stand_in ? stand_in->string() : input.uri, {});
  if (here) return std::nullopt;
  auto error = std::move(here).error();
  if (!stand_in) return std::move(error).at(input.where);
  return fail(error.kind(),
              "UriMap:FileMissing",
              "the file that --uri-map gives for {} cannot be used: {}",
              redact_url(input.uri),
              error.message())
      .at(input.where)
      .cure("put the file there, or correct its path in the map");
}

/// Behind those of the command line.
void find_media(Plan& plan) {
  auto& options = plan.options;
  for (const auto& place : plan.checked.image_template.media) {
    const auto path = options.template_folder / place.value().get<std::string>();
    auto added = add_medium(path, options.sandbox.media);
    if (!added) plan.blockers.push_back(std::move(added).error().at(place.where()));
  }
}

void check_inputs(Plan& plan) {
  const auto host = make_fetcher(plan.options.template_folder);
  for (const auto* steps : {&plan.checked.steps, &plan.checked.validations}) {
    for (const auto& step : *steps) {
      for (const auto& input : step.customizer->inputs()) {
        if (auto missing = missing_input(input, plan.options, *host)) {
          plan.blockers.push_back(*std::move(missing));
        }
      }
    }
  }
}

/// What the chosen cloud does not have is told here, not after the build.
void check_cloud(Plan& plan) {
  const auto& options = plan.options;
  if (options.cloud.name.empty()) return;
  for (const auto& target : plan.checked.targets) {
    auto lacking =
        target.distributor->lacking(options.cloud, plan.image_traits(), options.staging_container);
    if (lacking) plan.blockers.push_back(*std::move(lacking));
  }
}

Result<void> choose_sandboxes(Plan& plan) {
  const auto system = plan.image_system();
  KILN_TRY_ASSIGN(auto chosen, choose_sandbox(plan.checked, system, plan.options.mode));
  plan.sandbox = chosen.name;
  plan.sandbox_reason = std::move(chosen.reason);
  auto validation = choose_validation_sandbox(plan.checked, system, plan.options.mode);
  plan.validation_sandbox = validation.name;
  plan.validation_reason = std::move(validation.reason);
  return {};
}

}  // namespace

StepSystem Plan::image_system() const {
  if (source.os_type == OsType::kWindows) return StepSystem::kWindows;
  if (source.os_type == OsType::kLinux) return StepSystem::kLinux;
  for (const auto* steps : {&checked.steps, &checked.validations}) {
    for (const auto& step : *steps) {
      if (step.customizer->system() != StepSystem::kAny) return step.customizer->system();
    }
  }
  return StepSystem::kLinux;
}

/// The version is the end of an exact name: `Publisher:Offer:Sku:1.2.3`, `…/versions/1.2.3`.
ImageTraits Plan::image_traits() const {
  ImageTraits traits;
  if (source.os_type != OsType::kUnknown) traits.os_type = to_string(source.os_type);
  if (source.hyper_v_generation != HyperVGeneration::kUnknown) {
    traits.generation = to_string(source.hyper_v_generation);
  }
  traits.security_type =
      source.security_type == SecurityType::kTrustedLaunch ? "TrustedLaunch" : "Standard";
  const auto end = source.identity.find_last_of(":/");
  if (end != std::string::npos) traits.version = source.identity.substr(end + 1);
  return traits;
}

std::optional<std::uint64_t> Plan::disk_size() const {
  if (const auto& wanted = checked.image_template.disk_size) {
    return static_cast<std::uint64_t>(wanted->gib) * kGiB;
  }
  if (!source_found() && !install) return std::nullopt;
  return azure_virtual_size(source_image.virtual_size);
}

std::optional<std::uint64_t> Plan::grown_size() const {
  const auto size = disk_size();
  if (!source_found() || *size <= azure_virtual_size(source_image.virtual_size)) {
    return std::nullopt;
  }
  return size;
}

bool Plan::needs_cloud() const {
  return !options.cloud.name.empty() &&
         std::any_of(checked.targets.begin(), checked.targets.end(), [](const PlannedTarget& one) {
           return one.distributor->needs_cloud();
         });
}

Result<Plan> make_plan(CheckedTemplate checked, PlanOptions options) {
  for (const auto* names : {&options.generalize_skip, &options.generalize_also}) {
    for (const auto& name : *names) KILN_TRY(check_generalize_operation(name));
  }
  if (checked.image_template.validate.source_only) {
    checked.steps.clear();
    checked.targets.clear();
  }
  auto blocked = checked.image_template.blockers;
  Plan plan{std::move(checked), {}, {}, {}, {}, {}, {}, std::move(options), std::move(blocked)};
  KILN_TRY(find_source(plan));
  KILN_TRY(choose_sandboxes(plan));
  KILN_TRY(check_security(plan));
  plan.options.sandbox.trusted_launch = plan.source.security_type == SecurityType::kTrustedLaunch;
  plan.options.sandbox.firmware = plan.options.sandbox.trusted_launch
                                      ? Firmware::kUefi
                                      : firmware_of(plan.source.hyper_v_generation);
  KILN_TRY(check_disk_size(plan));
  KILN_TRY(check_generation(plan));
  KILN_TRY(check_systems(plan));
  find_media(plan);
  check_inputs(plan);
  check_cloud(plan);
  KILN_TRY(check_windows_options(plan));
  block_windows(plan);
  plan.options.sandbox.memory_mib = memory_for(plan);
  return plan;
}

}  // namespace kiln
