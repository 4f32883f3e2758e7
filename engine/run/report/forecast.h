#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "engine/run/layers/find_layers.h"

namespace kiln {

/// What a build would find and take, told without doing anything.
struct Forecast {
  FoundLayers layers;
  std::string unknown;  ///< why more cannot be told; empty where everything is known
  std::optional<std::chrono::milliseconds> time;  ///< by the records of earlier runs
  std::string as_in;                              ///< the newest run among them
};

/// Reads layers, run records and local inputs.
Result<Forecast> forecast(const Plan& plan,
                          const LayerPolicy& policy,
                          const std::filesystem::path& state_folder,
                          const std::filesystem::path& cache_folder);

/// Lines for a plan.
std::string describe_forecast(const Plan& plan, const Forecast& forecast);
nlohmann::json to_json(const Plan& plan, const Forecast& forecast);

}  // namespace kiln
