#pragma once

#include <string>
#include <vector>

#include "disk/inspect/image_session.h"
#include "engine/core/event.h"
#include "engine/core/process_runner.h"
#include "engine/run/layers/layer_store.h"
#include "engine/run/run_folder.h"

namespace kiln {

/// What a layer changed, as far as nothing later changed it again.
struct LayerChanges {
  std::string key;
  std::string what;
  std::vector<ChangedFile> files;  ///< by time
};

struct RunChanges {
  std::vector<LayerChanges> layers;  ///< in the order in which they were made
  std::size_t more = 0;              ///< files that were not looked at
};

struct ChangesServices {
  ProcessRunner& runner;
  EventSink& events;
  CancelToken cancel;
  std::filesystem::path cache_folder;
};

/// Mounts a throw-away copy of the run's last layer, and finds which files have changed since the
/// first was begun; the time of a file's change tells in which. What was removed is not told.
/// Layer:Gone where the run made no layers, or they are not there any more.
/// @param record run.json
Result<RunChanges> changed_files(const RunFolder& folder,
                                 const nlohmann::json& record,
                                 const LayerStore& store,
                                 const ChangesServices& services);

/// Gives each layer those files that were changed while it was made.
RunChanges assign_changes(const std::vector<Layer>& layers, ChangedFiles changed);

}  // namespace kiln
