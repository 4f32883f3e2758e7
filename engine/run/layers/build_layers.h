#pragma once

#include <future>
#include <optional>
#include <string>
#include <vector>

#include "customizers/generalize/residues.h"
#include "disk/workspace/work_disk.h"
#include "engine/run/layers/find_layers.h"
#include "engine/sandbox/sandbox.h"

namespace kiln {

struct InstalledSource;
struct RunContext;

/// What a build starts from.
struct LayeredDisk {
  WorkDisk disk;
  std::size_t steps_done = 0;               ///< they are on the disk already
  std::filesystem::path saved_system = {};  ///< which goes with the disk; see SandboxContext
  /// What the check found; the disk is finished where this is there.
  std::optional<std::vector<Residue>> checked = {};
};

/// The layers of one build: those that serve it, and those that it makes. Trouble with layers never
/// fails a build that could go on without them; it is a warning, and no more layers are made.
class BuildLayers {
 public:
  /// @param reusable what reusable_steps gives
  BuildLayers(LayerStore store, LayerPolicy policy, std::size_t reusable)
      : store_(std::move(store)), policy_(std::move(policy)), reusable_(reusable) {}
  BuildLayers(const BuildLayers&) = delete;
  BuildLayers& operator=(const BuildLayers&) = delete;
  ~BuildLayers() { wait(); }

  /// Makes the work disk, over the deepest layer that fits.
  Result<LayeredDisk> begin(const InstalledSource& source, const RunContext& context);
  /// Makes the work disk once more, over the source itself.
  Result<WorkDisk> begin_anew(const RunContext& context);
  /// A step has ended well: what it and those before it did becomes a layer, where the sandbox can
  /// go on in another one.
  /// @param disk from here on the new one
  Result<void> end_step(std::size_t step,
                        WorkDisk& disk,
                        Sandbox& sandbox,
                        const RunContext& context);
  /// The disk is finished, checked, and nothing writes it any more.
  void end_disk(const WorkDisk& disk,
                const std::vector<Residue>& residues,
                const RunContext& context);
  /// Waits until the layers are written through, and keeps within the limit.
  void settle(const RunContext& context);

 private:
  using Clock = std::chrono::steady_clock;

  Result<void> find(const InstalledSource& source, const RunContext& context);
  [[nodiscard]] bool could_serve() const;
  Result<WorkDisk> make_disk(const RunContext& context);
  void tell(const RunContext& context) const;
  /// @param system as begin_layer made it, or did not
  void keep(const WorkDisk& disk,
            Layer layer,
            const std::filesystem::path& system,
            const RunContext& context);
  void give_up(const Error& error, const RunContext& context);
  void wait();

  LayerStore store_;
  LayerPolicy policy_;
  std::size_t reusable_;
  ImageInfo base_;
  InputDigest digest_;
  std::string source_;
  FoundLayers found_;
  std::vector<LayerFile> below_;  ///< the active file, the uppermost first
  std::size_t first_ = 0;         ///< step whose writes are in the active file
  bool making_ = false;
  bool stepwise_ = true;  ///< as far as is known of the sandbox
  bool made_ = false;
  Clock::time_point since_ = Clock::now();
  std::shared_future<Result<void>> published_;
};

}  // namespace kiln
