#include "engine/run/layers/build_layers.h"

#include <algorithm>

#include "engine/core/text.h"
#include "engine/run/media_digest.h"
#include "engine/run/phases.h"
#include "engine/run/run_steps.h"
#include "engine/run/source_digest.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

fs::path system_path(const RunContext& context, const std::string& id) {
  return context.folder.work() / saved_system_name(id);
}

fs::path overlay_path(const RunContext& context, const std::string& id) {
  return context.folder.work() / (id + ".qcow2");
}

nlohmann::json to_json(const std::vector<Residue>& residues) {
  auto json = nlohmann::json::array();
  for (const auto& each : residues) {
    json.push_back({{"path", each.path}, {"what", each.what}, {"operation", each.operation}});
  }
  return json;
}

std::vector<Residue> residues_of(const nlohmann::json& json) {
  std::vector<Residue> residues;
  for (const auto& each : json) {
    residues.push_back(
        {each.value("path", ""), each.value("what", ""), each.value("operation", "")});
  }
  return residues;
}

std::string count_steps(std::size_t count) {
  return fmt::format("{} step{}", count, count == 1 ? "" : "s");
}

}  // namespace

Result<LayeredDisk> BuildLayers::begin(const InstalledSource& source, const RunContext& context) {
  base_ = source.image;
  if (policy_.enabled) {
    const auto found = find(source, context);
    if (!found &&
        (found.error().kind() == ErrorKind::kCancelled || source.inputs.files->failed())) {
      return found.error();
    }
    if (!found) give_up(found.error(), context);
  }
  KILN_TRY_ASSIGN(auto disk, make_disk(context));
  LayeredDisk layered{std::move(disk), found_.steps_done(), {}};
  if (const auto* deepest = found_.deepest(); deepest != nullptr && !deepest->system.empty()) {
    layered.saved_system = system_path(context, deepest->files.front().id);
  }
  if (found_.finished) {
    layered.steps_done = context.plan.checked.steps.size();
    layered.checked = residues_of(found_.finished->finished);
  }
  first_ = layered.steps_done;
  since_ = Clock::now();
  return layered;
}

Result<WorkDisk> BuildLayers::begin_anew(const RunContext& context) {
  found_ = {};
  context.record.forget_layers();
  first_ = 0;
  since_ = Clock::now();
  return make_disk(context);
}

Result<void> BuildLayers::find(const InstalledSource& source, const RunContext& context) {
  digest_ = [inputs = source.inputs.files](const StepInput& input) -> std::optional<std::string> {
    const auto& files = inputs->wait();
    if (!files) return std::nullopt;
    return files->at(input.uri).filename().string();  // pinned by its SHA-256
  };
  ResolvedSource base = context.plan.source;
  if (context.plan.install) {
    // The template's digest is the disc's.
    base.path = base_.path;
    base.expected_sha256.reset();
  }
  KILN_TRY_ASSIGN(const auto contents, source_contents(base, context.cache_folder, context.cancel));
  KILN_TRY_ASSIGN(
      const auto media,
      media_contents(context.plan.options.sandbox.media, context.cache_folder, context.cancel));
  source_ = source_key(context.plan, contents, media);
  making_ = true;
  if (!could_serve()) return {};
  KILN_TRY(await_inputs(context, *source.inputs.files, "attach"));
  KILN_TRY_ASSIGN(const auto held, store_.hold());
  auto found = find_layers(store_, context.plan, source_, reusable_, digest_);
  if (const auto* deepest = found.deepest()) {
    KILN_TRY(store_.link(*deepest, context.folder.work()));
    below_ = deepest->files;
    found_ = std::move(found);
    tell(context);
  }
  return {};
}

/// Where no layer could, the build need not wait for its inputs to look for one.
bool BuildLayers::could_serve() const {
  return reusable_ > 0 && std::ranges::any_of(store_.list(), [&](const Layer& layer) {
           return layer.source == base_.path.string();
         });
}

/// For the record and for a person: which layers serve.
void BuildLayers::tell(const RunContext& context) const {
  for (const auto& each : found_.steps) context.record.add_layer(each.layer, /*served=*/true);
  if (found_.finished) context.record.add_layer(*found_.finished, /*served=*/true);
  const auto& deepest = *found_.deepest();
  notice(context.events,
         found_.finished
             ? fmt::format("nothing changed since run {}, which made this disk", deepest.run)
             : fmt::format("{} of {} from the layers of run {}",
                           found_.steps_done(),
                           count_steps(context.plan.checked.steps.size()),
                           deepest.run));
}

Result<WorkDisk> BuildLayers::make_disk(const RunContext& context) {
  const auto& plan = context.plan;
  const auto id = making_ ? new_layer_id() : "overlay";
  const auto overlay = overlay_path(context, id);
  const auto* deepest = found_.deepest();
  if (deepest == nullptr) {
    below_ = {{{}, id, {}}};
    return WorkDisk::create(context.runner, base_, overlay, context.cancel, plan.grown_size());
  }
  std::vector<fs::path> overlays;
  for (const auto& each : deepest->files) overlays.push_back(overlay_path(context, each.id));
  auto disk = WorkDisk::reopen(base_, overlays, deepest->virtual_size);
  if (found_.finished) return disk;
  below_.insert(below_.begin(), {{}, id, {}});
  return disk.create_over(context.runner, overlay, context.cancel);
}

Result<void> BuildLayers::end_step(std::size_t step,
                                   WorkDisk& disk,
                                   Sandbox& sandbox,
                                   const RunContext& context) {
  if (!making_ || !stepwise_ || Clock::now() - since_ < sandbox.layer_cost()) return {};
  const auto id = new_layer_id();
  auto next = disk.create_over(context.runner, overlay_path(context, id), context.cancel);
  if (!next) {
    if (next.error().kind() == ErrorKind::kCancelled) return std::move(next).error();
    give_up(next.error(), context);
    return {};
  }
  const auto system = system_path(context, below_.front().id);
  auto begun = sandbox.begin_layer(*next, system);
  if (!begun && begun.error().kind() == ErrorKind::kUnsupported) {
    std::error_code ignored;
    fs::remove(next->overlay(), ignored);
    stepwise_ = false;
    notice(context.events, "no layers of single steps: " + begun.error().summary(), "customize");
    return {};
  }
  const bool whole = begun.has_value();
  if (!whole && begun.error().code() != kLayerNotWhole) return begun;
  if (whole) {
    Layer layer;
    layer.files = below_;
    layer.files.front().key = *steps_key(
        below_.size() > 1 ? below_[1].id : source_, context.plan, first_, step + 1, digest_);
    layer.what = step_title(*context.plan.checked.steps[step].customizer);
    keep(disk, std::move(layer), system, context);
  } else {
    give_up(begun.error(), context);
  }
  below_.insert(below_.begin(), {{}, id, {}});
  disk = *std::move(next);
  first_ = step + 1;
  since_ = Clock::now();
  return {};
}

void BuildLayers::end_disk(const WorkDisk& disk,
                           const std::vector<Residue>& residues,
                           const RunContext& context) {
  if (!making_) return;
  Layer layer;
  layer.files = below_;
  layer.files.front().key =
      *finished_key(below_.size() > 1 ? below_[1].id : source_, context.plan, first_, digest_);
  layer.what = "generalized and checked";
  layer.finished = to_json(residues);
  keep(disk, std::move(layer), {}, context);
}

/// The file itself is in the store at once; that it is written through takes a while, in which the
/// build goes on.
void BuildLayers::keep(const WorkDisk& disk,
                       Layer layer,
                       const fs::path& system,
                       const RunContext& context) {
  const auto state = layer_state(disk.overlay());
  auto added = store_.add_file(disk.overlay());
  if (const auto saved = layer_state(system); saved && added) {
    layer.system = *saved;
    added = store_.add_file(system);
  }
  if (!added || !state) {
    if (!added) give_up(added.error(), context);
    return;
  }
  layer.files.front().state = *state;
  layer.source = base_.path.string();
  layer.run = context.folder.id();
  layer.made = format_time(std::chrono::system_clock::now());
  layer.virtual_size = disk.virtual_size();
  layer.bytes = layer_bytes(disk.overlay()) + layer_bytes(system);
  layer.took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - since_);
  below_ = layer.files;
  made_ = true;
  context.record.add_layer(layer, /*served=*/false);
  // One after the other, as each is of use only with those below it.
  published_ =
      std::async(std::launch::async,
                 [store = store_, before = published_, layer = std::move(layer)]() -> Result<void> {
                   if (before.valid()) KILN_TRY(before.get());
                   return store.publish(layer);
                 });
}

void BuildLayers::give_up(const Error& error, const RunContext& context) {
  making_ = false;
  warning(context.events, "no more layers are kept: " + error.summary());
}

void BuildLayers::wait() {
  if (published_.valid()) published_.wait();
}

void BuildLayers::settle(const RunContext& context) {
  if (!made_) return;
  wait();
  if (const auto& published = published_.get(); !published) {
    warning(context.events, "the layers are not kept: " + published.error().summary());
  }
  if (const auto removed = store_.shrink(policy_.limit); !removed) {
    warning(context.events, "old layers are not removed: " + removed.error().summary());
  }
}

}  // namespace kiln
