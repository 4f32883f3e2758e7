#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "disk/workspace/work_disk.h"

namespace kiln {

/// A disk that outlives the work folder: its overlays under second names in another folder of the
/// run. What lies below them is not kept, so it has to stay as it is.
struct LinkedDisk {
  std::vector<std::string> overlays;  ///< file names in the folder, the uppermost first
  std::filesystem::path source;
  std::string source_state;  ///< changes whenever the source is written
};

/// For a disk that nothing writes any more. Whoever reads it under its first names can go on.
/// @param folder made where it is missing
Result<LinkedDisk> link_disk(const WorkDisk& disk, const std::filesystem::path& folder);

/// Refuses a source that was written since: an overlay fits no other.
Result<WorkDisk> open_linked_disk(const LinkedDisk& linked, const std::filesystem::path& folder);

/// `overlays` and `source`.
nlohmann::json to_json(const LinkedDisk& linked);
/// Nothing where a damaged or forged record gives no names, or such as lead out of the folder.
std::optional<LinkedDisk> linked_disk_of(const nlohmann::json& json);

}  // namespace kiln
