#include "engine/run/layers/changed_files.h"

#include "disk/image/probe.h"
#include "disk/workspace/work_disk.h"
#include "engine/core/file.h"
#include "engine/run/report/timeline.h"
#include "engine/sandbox/appliance/mounted_image.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;
using std::chrono::system_clock;

constexpr std::size_t kMostFiles = 20'000;

system_clock::time_point end_of(const Layer& layer) {
  return read_time(layer.made).value_or(system_clock::time_point());
}

system_clock::time_point begin_of(const Layer& layer) {
  return end_of(layer) - layer.took;
}

/// All of them, or none: a change in a layer that is gone would be taken for a later one's.
Result<std::vector<Layer>> layers_of(const nlohmann::json& record, const LayerStore& store) {
  std::vector<Layer> layers;
  for (const auto& each : record.value("layers", nlohmann::json::array())) {
    auto layer = store.find(each.value("key", ""));
    if (!layer || layer->files.front().id != each.value("file", "")) {
      layers.clear();
      break;
    }
    layers.push_back(*std::move(layer));
  }
  if (!layers.empty()) return layers;
  return fail(ErrorKind::kNotFound,
              "Layer:Gone",
              "the run's layers are not there (any more), so nothing tells which files it changed")
      .cure("build again; `kiln cache list` shows what is there");
}

/// The folder that `runs gc` clears.
class WorkFolder {
 public:
  explicit WorkFolder(fs::path path) : path_(std::move(path)) {}
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  ~WorkFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }

 private:
  fs::path path_;
};

}  // namespace

RunChanges assign_changes(const std::vector<Layer>& layers, ChangedFiles changed) {
  RunChanges changes;
  changes.more = changed.more;
  for (const auto& layer : layers) changes.layers.push_back({layer.key(), layer.what, {}});
  for (auto& file : changed.files) {
    for (std::size_t i = layers.size(); i-- > 0;) {
      if (file.when < begin_of(layers[i])) continue;
      // After its end, and before the next begins, nothing runs.
      if (file.when <= end_of(layers[i])) changes.layers[i].files.push_back(std::move(file));
      break;
    }
  }
  return changes;
}

Result<RunChanges> changed_files(const RunFolder& folder,
                                 const nlohmann::json& record,
                                 const LayerStore& store,
                                 const ChangesServices& services) {
  const WorkFolder cleared(folder.work());
  KILN_TRY(make_directories(folder.work()));
  std::vector<Layer> layers;
  std::vector<fs::path> files;
  {
    KILN_TRY_ASSIGN(const auto held, store.hold());
    KILN_TRY_ASSIGN(layers, layers_of(record, store));
    KILN_TRY_ASSIGN(files, store.link(layers.back(), folder.work()));
  }
  KILN_TRY_ASSIGN(const auto source, probe_image(layers.back().source));
  const auto layered = WorkDisk::reopen(source, files, layers.back().virtual_size);
  KILN_TRY_ASSIGN(
      const auto disk,
      layered.create_over(services.runner, folder.work() / "looked-at.qcow2", services.cancel));
  KILN_TRY_ASSIGN(
      auto image,
      mount_image(
          disk,
          SandboxOptions(),
          {services.runner, services.events, services.cancel, folder.work(), services.cache_folder},
          std::nullopt));
  KILN_TRY_ASSIGN(auto changed, image.session->changed_since(begin_of(layers.front()), kMostFiles));
  KILN_TRY(image.session->finish());
  return assign_changes(layers, std::move(changed));
}

}  // namespace kiln
