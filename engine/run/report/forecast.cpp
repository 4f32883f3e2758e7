#include "engine/run/report/forecast.h"

#include <map>

#include "engine/core/digest.h"
#include "engine/core/file.h"
#include "engine/core/text.h"
#include "engine/run/media_digest.h"
#include "engine/run/run_folder.h"
#include "engine/run/source_digest.h"
#include "uploaders/transport/fetcher.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

std::optional<std::string> local_digest(const StepInput& input, const PlanOptions& options) {
  auto path = options.uri_map.find(input.uri);
  if (!path) {
    const auto local = local_path(input.uri, options.template_folder);
    if (!local) return std::nullopt;
    path = *local;
  }
  const auto digest = sha256_file(*path);
  return digest ? std::optional(*digest) : std::nullopt;
}

/// Phases and steps by name, each as it took when it last ran.
struct Times {
  std::map<std::string, milliseconds> took;
  std::string newest;

  void add(const nlohmann::json& activities) {
    for (const auto& each : activities) {
      if (each.value("outcome", "") != "succeeded") continue;
      took.emplace(each.value("name", ""), each.value("milliseconds", std::int64_t{0}));
    }
  }
};

nlohmann::json record_of(const fs::path& folder) {
  const auto text = read_file(folder / "run.json");
  auto record = text ? nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false)
                     : nlohmann::json::object();
  return record.is_object() ? record : nlohmann::json::object();
}

/// Of the newest runs of the same template in the same sandbox.
Times times_of(const Plan& plan, const fs::path& state_folder) {
  constexpr std::size_t kLookedAt = 20;
  Times times;
  const auto folders = list_run_folders(state_folder);
  if (!folders) return times;
  std::size_t looked_at = 0;
  for (auto folder = folders->rbegin(); folder != folders->rend() && looked_at < kLookedAt;
       ++folder, ++looked_at) {
    const auto record = record_of(*folder);
    const auto text = [&](const char* pointer) {
      return record.value(nlohmann::json::json_pointer(pointer), std::string());
    };
    if (text("/plan/template") != plan.checked.image_template.name ||
        text("/plan/sandbox/kind") != plan.sandbox ||
        text("/lastRunStatus/runState") != "Succeeded") {
      continue;
    }
    if (times.newest.empty()) times.newest = folder->filename().string();
    times.add(record.value("phases", nlohmann::json::array()));
    times.add(record.value("steps", nlohmann::json::array()));
  }
  return times;
}

std::vector<std::string> activities_of(const Plan& plan, const FoundLayers& found) {
  std::vector<std::string> names = {"prepare", "attach", "distribute"};
  if (!plan.checked.validations.empty()) names.emplace_back("validate");
  if (found.finished) return names;
  for (const auto* name : {"customize-sandbox", "generalize", "check"}) names.emplace_back(name);
  for (auto i = found.steps_done(); i < plan.checked.steps.size(); ++i) {
    names.push_back(plan.checked.steps[i].id);
  }
  return names;
}

}  // namespace

Result<Forecast> forecast(const Plan& plan,
                          const LayerPolicy& policy,
                          const fs::path& state_folder,
                          const fs::path& cache_folder) {
  Forecast told;
  KILN_TRY_ASSIGN(const auto reusable, reusable_steps(plan, policy));
  const auto contents = plan.source_found() && plan.builds()
                            ? known_source_contents(plan.source, cache_folder)
                            : std::nullopt;
  if (!contents) {
    told.unknown = "no build from this source yet";
    return told;
  }
  const auto media = known_media_contents(plan.options.sandbox.media, cache_folder);
  if (!media) {
    told.unknown = "no build with these media yet";
    return told;
  }
  const auto digest = [&](const StepInput& input) {
    auto known = local_digest(input, plan.options);
    if (!known) told.unknown = "it depends on what is fetched";
    return known;
  };
  told.layers = find_layers(
      LayerStore(state_folder), plan, source_key(plan, *contents, *media), reusable, digest);
  if (told.layers.finished) told.unknown.clear();
  const auto times = times_of(plan, state_folder);
  milliseconds sum{0};
  for (const auto& name : activities_of(plan, told.layers)) {
    const auto took = times.took.find(name);
    if (took == times.took.end()) return told;
    sum += took->second;
  }
  told.time = sum;
  told.as_in = times.newest;
  return told;
}

std::string describe_forecast(const Plan& plan, const Forecast& forecast) {
  const auto steps = plan.checked.steps.size();
  std::string text = "Layers      ";
  if (forecast.layers.finished) {
    text += fmt::format("all of it, from run {}", forecast.layers.finished->run);
  } else {
    text +=
        fmt::format("{} of {} step{}", forecast.layers.steps_done(), steps, steps == 1 ? "" : "s");
    if (const auto* deepest = forecast.layers.deepest()) {
      text += fmt::format(", from run {}", deepest->run);
    }
  }
  if (!forecast.unknown.empty()) text += fmt::format(" ({})", forecast.unknown);
  if (forecast.time) {
    text += fmt::format(
        "\nTakes       about {}, as run {} did", format_duration(*forecast.time), forecast.as_in);
  }
  return text + "\n";
}

nlohmann::json to_json(const Plan& plan, const Forecast& forecast) {
  nlohmann::json json = {
      {"finished", forecast.layers.finished.has_value()},
      {"stepsDone",
       forecast.layers.finished ? plan.checked.steps.size() : forecast.layers.steps_done()},
      {"unknown", forecast.unknown}};
  if (const auto* deepest = forecast.layers.deepest()) {
    json["layer"] = deepest->key();
    json["run"] = deepest->run;
  }
  if (forecast.time) json["milliseconds"] = forecast.time->count();
  return json;
}

}  // namespace kiln
