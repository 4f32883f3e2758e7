#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/run/run_folder.h"
#include "engine/run/runner.h"

namespace kiln {

struct LaterOptions {
  std::filesystem::path output_folder = ".";
  bool overwrite = false;
  /// Run output names; with none, every target that was not delivered yet.
  std::vector<std::string> only;
};

/// Sends the finished disk of a run to its targets, going on with uploads that an earlier process
/// began. What is delivered is added to the run's outputs; its state follows. An error here means
/// that nothing was tried; whatever happens later is in the report and in the run's record.
/// @param record of the run, as it was read
Result<BuildReport> distribute_later(const RunFolder& folder,
                                     nlohmann::json record,
                                     const LaterOptions& options,
                                     const BuildServices& services);

}  // namespace kiln
