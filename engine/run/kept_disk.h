#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/run/linked_disk.h"
#include "engine/run/run_folder.h"
#include "engine/sandbox/sandbox.h"

namespace kiln {

/// The disk of a failed build, kept in the run folder's `kept/`, with what its sandbox was like.
/// It is `kept` in run.json.
struct KeptDisk {
  LinkedDisk disk;         ///< in `kept/`
  std::string sandbox;     ///< name in the sandbox registry
  SandboxOptions options;  ///< firmware, memory and processors
  bool clean = false;      ///< shut down or unmounted; else as after a power cut
};

/// Gives the overlays of a disk that nothing writes any more a second name in `kept/`; a build that
/// goes on after a failed validation still reads them in `work/`.
Result<KeptDisk> keep_disk(const RunFolder& folder,
                           const WorkDisk& disk,
                           std::string sandbox,
                           const SandboxOptions& options,
                           bool clean);

nlohmann::json to_json(const KeptDisk& kept);
/// Run:NothingKept where the run kept no disk.
Result<KeptDisk> read_kept_disk(const nlohmann::json& record, const std::string& run);

/// Refuses a source that was written since: an overlay fits no other.
Result<WorkDisk> open_kept_disk(const RunFolder& folder, const KeptDisk& kept);

}  // namespace kiln
