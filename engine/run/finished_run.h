#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "disk/extents/block_source.h"
#include "engine/core/process_runner.h"
#include "engine/run/linked_disk.h"
#include "engine/run/run_folder.h"
#include "uploaders/distributor.h"

namespace kiln {

/// A target as the template describes it, without what a URI's query holds: that may be a
/// signature.
struct FinishedTarget {
  std::string id;  ///< `distribute-01`
  std::string suggested_name;
  nlohmann::json body;  ///< of the newest api-version
};

/// What `kiln distribute` needs of a run: the finished disk, in the run folder's `finished/`, and
/// its targets. It is `finished` in run.json from the beginning of the distribution until
/// everything is delivered.
struct FinishedRun {
  /// Nothing for a disk that is whole: the fixed VHD `finished/disk.vhd`, which needs no source and
  /// can be taken to another machine.
  std::optional<LinkedDisk> overlays;
  std::vector<FinishedTarget> targets;
  ImageTraits image;
  bool validated = true;
};

/// Cuts the queries of all http URLs in a target's body.
nlohmann::json without_signatures(nlohmann::json body);

std::filesystem::path whole_disk(const RunFolder& folder);

nlohmann::json to_json(const FinishedRun& finished);
/// Run:NothingFinished where the run has no finished disk.
Result<FinishedRun> read_finished_run(const nlohmann::json& record, const std::string& run);

/// @param work an existing private folder for what is only needed meanwhile
Result<std::unique_ptr<BlockSource>> open_finished_disk(const RunFolder& folder,
                                                        const FinishedRun& finished,
                                                        ProcessRunner& runner,
                                                        const std::filesystem::path& work,
                                                        const CancelToken& cancel);

}  // namespace kiln
