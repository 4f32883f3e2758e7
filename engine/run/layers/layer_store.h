#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/core/cancel.h"
#include "engine/core/result.h"
#include "engine/core/unique_fd.h"

namespace kiln {

/// A layer's file, as it was when it was finished: a qcow2 overlay that nothing writes any more.
struct LayerFile {
  std::string key;    ///< digest of all that went into it
  std::string id;     ///< of this very file, which is called `<id>.qcow2` in every folder
  std::string state;  ///< size and time of change
};

/// What a build has done up to some point, as a file over the layers below it.
struct Layer {
  /// From this layer's own down to that over the source. Two builds with the same inputs do not
  /// write the same blocks, so a layer fits only the very files that it was made over.
  std::vector<LayerFile> files;
  std::string source;                 ///< path of what lies below all of them
  std::string what;                   ///< for a person: `Shell: motd`
  std::string run;                    ///< the run that made it
  std::string made;                   ///< when
  std::uint64_t virtual_size = 0;     ///< bytes of the disk
  std::uint64_t bytes = 0;            ///< allocated, of this layer alone
  std::string digest;                 ///< file_digest of this layer's own file
  std::chrono::milliseconds took{0};  ///< to make it
  std::string system;         ///< layer_state of the system that ran, where one did; else empty
  std::string system_digest;  ///< file_digest of it
  nlohmann::json finished;    ///< what the check found on a finished disk; else null

  [[nodiscard]] const std::string& key() const { return files.front().key; }
};

struct LayerTrouble {
  std::string key;
  std::string what;
};

/// `layers/` in the state folder, beside the runs, which have its files under second names: what is
/// removed here stays with the runs that use it.
///
///     <id>.qcow2     a layer's data; only of use with a record
///     <id>.system    the system that ran meanwhile, where one did (Sandbox::begin_layer)
///     <key>.json     the newest layer with this key; its time of change is that of its last use
///     lock           held (flock) shared to find and link, exclusive to change anything
class LayerStore {
 public:
  explicit LayerStore(const std::filesystem::path& state_folder)
      : folder_(state_folder / "layers") {}

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  /// As long as it is held, nothing is removed.
  [[nodiscard]] Result<UniqueFd> hold() const { return lock(false); }
  /// Nothing where the record or any file of the layer is missing or not as it was.
  [[nodiscard]] std::optional<Layer> find(const std::string& key) const;
  /// Gives the layer's files second names in `folder`, also that of its system, and says that the
  /// layer was used.
  /// @return the overlays, the uppermost first
  [[nodiscard]] Result<std::vector<std::filesystem::path>> link(
      const Layer& layer, const std::filesystem::path& folder) const;
  /// Of a file that is in the store already; without a record it will be removed when no run has it
  /// any more.
  [[nodiscard]] Result<void> add_file(const std::filesystem::path& file) const;
  /// Writes the files through and makes the layer known. Fills in the digests.
  [[nodiscard]] Result<void> publish(Layer layer) const;

  /// The least recently used first.
  [[nodiscard]] std::vector<Layer> list() const;
  /// Bytes that all layers occupy.
  [[nodiscard]] std::uint64_t bytes() const;
  /// Removes layers until the rest has at most `limit` bytes: the least recently used first, and
  /// none before those over it. Also files that belong to no layer.
  /// @return what was removed, or would be
  [[nodiscard]] Result<std::vector<Layer>> shrink(std::uint64_t limit, bool dry_run = false) const;
  /// Reads every layer. A damaged one is removed, and with it what lies over it.
  [[nodiscard]] Result<std::vector<LayerTrouble>> verify(const CancelToken& cancel) const;

 private:
  [[nodiscard]] Result<UniqueFd> lock(bool exclusive) const;
  [[nodiscard]] std::filesystem::path file(const LayerFile& layer) const {
    return folder_ / (layer.id + ".qcow2");
  }
  [[nodiscard]] std::filesystem::path system(const Layer& layer) const;
  [[nodiscard]] std::filesystem::path record(const std::string& key) const {
    return folder_ / (key + ".json");
  }
  [[nodiscard]] std::optional<std::string> damage(const Layer& layer, bool deep) const;
  [[nodiscard]] Result<void> remove_unused_files() const;

  std::filesystem::path folder_;
};

/// Of the file of a layer's system, in every folder.
std::string saved_system_name(const std::string& id);
/// A name that no other layer has.
std::string new_layer_id();
/// Size and time of change; any write changes it, a second name does not.
std::optional<std::string> layer_state(const std::filesystem::path& file);
/// What the file occupies.
std::uint64_t layer_bytes(const std::filesystem::path& file);

}  // namespace kiln
