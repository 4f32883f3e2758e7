#pragma once

#include <chrono>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/core/event.h"
#include "engine/core/redact.h"
#include "engine/core/result.h"
#include "engine/run/layers/layer_store.h"
#include "uploaders/distributor.h"

namespace kiln {

/// AIB's lastRunStatus.runState.
enum class RunState { kRunning, kSucceeded, kPartiallySucceeded, kFailed, kCanceled };
std::string_view to_string(RunState state);

/// run.json: AIB's lastRunStatus and runOutputs shapes, and ours beside them. Folded from the same
/// events that logs and terminals get; saved after every phase. Inputs, outputs and events may come
/// from any thread, the rest from one.
class RunRecord : public EventSink {
 public:
  /// @param redactor outlives the record; everything saved goes through it
  RunRecord(std::filesystem::path path,
            std::string id,
            nlohmann::json plan,
            const Redactor& redactor);
  /// Of a run that goes on after its end.
  RunRecord(std::filesystem::path path, nlohmann::json json, const Redactor& redactor);

  void emit(const Event& event) noexcept override;
  void add_input(const std::string& uri, const std::string& sha256, std::uint64_t bytes);
  /// A layer that serves the run, or that it makes.
  void add_layer(const Layer& layer, bool served);
  /// None served after all.
  void forget_layers();
  /// Host files that a killed run may leave behind; `kiln runs gc` removes them.
  void set_partial_files(const std::vector<std::filesystem::path>& files);
  /// Saved at once, in the place of an earlier output of that name.
  void add_output(const Artifact& artifact);
  [[nodiscard]] bool has_output(const std::string& name) const;
  /// Of the outputs that are resources, in the order in which they were added.
  [[nodiscard]] std::vector<std::string> artifact_ids() const;
  /// @param kept what `to_json` of a KeptDisk gives
  void keep(nlohmann::json kept) { json_["kept"] = std::move(kept); }
  [[nodiscard]] bool keeps() const { return json_.contains("kept"); }
  /// Saved at once. @param finished what `to_json` of a FinishedRun gives; null where nothing is
  /// left
  void set_finished(nlohmann::json finished);
  [[nodiscard]] bool has_finished() const { return json_.contains("finished"); }
  void finish(RunState state, const std::string& message);
  void fail_with(const Error& error);
  /// Atomic; safe to call at any time.
  Result<void> save() const;

 private:
  [[nodiscard]] Result<void> save_locked() const;

  mutable std::mutex mutex_;
  std::filesystem::path path_;
  nlohmann::json json_;
  const Redactor& redactor_;
};

class RunFolder;
/// Everything is delivered: the finished disk goes, and so do the journals.
void forget_finished(const RunFolder& folder, RunRecord& record);

}  // namespace kiln
