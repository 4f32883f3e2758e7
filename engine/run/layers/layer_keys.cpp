#include "engine/run/layers/layer_keys.h"

#include <algorithm>
#include <array>

#include "engine/agent/guest_agent.h"
#include "engine/core/digest.h"
#include "engine/core/json.h"

namespace kiln {
namespace {

/// To be counted up whenever equal steps come to give another disk.
constexpr int kLayerFormat = 1;
/// In a step's name: run it each time, and what follows it.
constexpr std::string_view kAlways = "[no-cache]";
constexpr std::string_view kGeneralize = "generalize";

/// A step's definition without what does not reach the disk; where a file comes from is nothing to
/// it, and what is in it stands beside.
nlohmann::json definition(const nlohmann::json& body) {
  constexpr std::array kNames = {"name", "scriptUri", "sourceUri", "sha256Checksum"};
  auto bare = body;
  for (const auto* name : kNames) bare.erase(name);
  return bare;
}

std::optional<nlohmann::json> steps_json(const Plan& plan,
                                         std::size_t first,
                                         std::size_t end,
                                         const InputDigest& digest) {
  auto steps = nlohmann::json::array();
  constexpr const char* kSteps = "/properties/customize";
  for (auto i = first; i < end; ++i) {
    auto inputs = nlohmann::json::array();
    for (const auto& input : plan.checked.steps[i].customizer->inputs()) {
      const auto known = digest(input);
      if (!known) return std::nullopt;
      inputs.push_back(*known);
    }
    const auto& body = plan.checked.canonical.at(nlohmann::json::json_pointer(kSteps) / i);
    steps.push_back({{"step", definition(body)}, {"inputs", inputs}});
  }
  return steps;
}

std::string digest_of(const nlohmann::json& json) {
  return sha256_hex(dump_json(json));
}

Result<std::size_t> named_step(const Plan& plan, const std::string& name) {
  const auto& steps = plan.checked.steps;
  if (name == kGeneralize) return steps.size();
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (name == steps[i].id || name == std::to_string(i + 1) ||
        name == steps[i].customizer->name()) {
      return i;
    }
  }
  std::vector<std::string> ids;
  for (const auto& step : steps) ids.push_back(step.id);
  ids.emplace_back(kGeneralize);
  return fail(ErrorKind::kInvalidTemplate, "Layer:NoSuchStep", "the template has no step {}", name)
      .at("--from")
      .cure(fmt::format("name one of {}", fmt::join(ids, ", ")));
}

}  // namespace

std::string source_key(const Plan& plan, const std::string& contents, const std::string& media) {
  const auto agent =
      sha256_hex(plan.is_windows() ? embedded_windows_agent() : embedded_linux_agent());
  const auto& sandbox = plan.options.sandbox;
  nlohmann::json parts = {{"layerFormat", kLayerFormat},
                          {"kiln", KILN_VERSION},
                          {"agent", agent},
                          {"path", plan.source_image.path.string()},
                          {"contents", contents},
                          {"media", media},
                          {"size", plan.disk_size().value_or(0)},
                          {"sandbox", plan.sandbox},
                          {"firmware", static_cast<int>(sandbox.firmware)},
                          {"trustedLaunch", sandbox.trusted_launch},
                          {"network", sandbox.network},
                          {"destinations", destination_names(sandbox)}};
  // A system that runs does not go on in another machine.
  if (plan.boots()) {
    parts["machine"] = {{"memory", sandbox.memory_mib}, {"vcpus", vcpus_to_boot(sandbox)}};
  }
  return digest_of(parts);
}

std::optional<std::string> steps_key(const std::string& below,
                                     const Plan& plan,
                                     std::size_t first,
                                     std::size_t end,
                                     const InputDigest& digest) {
  auto steps = steps_json(plan, first, end, digest);
  if (!steps) return std::nullopt;
  return digest_of({{"below", below}, {"steps", *std::move(steps)}});
}

std::optional<std::string> finished_key(const std::string& below,
                                        const Plan& plan,
                                        std::size_t first,
                                        const InputDigest& digest) {
  auto steps = steps_json(plan, first, plan.checked.steps.size(), digest);
  if (!steps) return std::nullopt;
  return digest_of(
      {{"below", below},
       {"steps", *std::move(steps)},
       {"generalize",
        {{"skip", plan.options.generalize_skip}, {"also", plan.options.generalize_also}}}});
}

Result<std::size_t> reusable_steps(const Plan& plan, const LayerPolicy& policy) {
  const auto& steps = plan.checked.steps;
  const auto& sandbox = plan.options.sandbox;
  std::size_t count = steps.size() + 1;
  if (!policy.from.empty()) {
    KILN_TRY_ASSIGN(count, named_step(plan, policy.from));
  }
  if (!policy.enabled) return 0;
  if (!policy.network && (sandbox.network || !sandbox.destinations.empty())) return 0;
  const auto always = std::ranges::find_if(steps, [](const PlannedStep& step) {
    return step.customizer->name().find(kAlways) != std::string::npos;
  });
  if (always == steps.end()) return count;
  return std::min(count, static_cast<std::size_t>(always - steps.begin()));
}

}  // namespace kiln
