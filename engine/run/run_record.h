#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/core/event.h"
#include "engine/core/redact.h"
#include "engine/core/result.h"
#include "uploaders/distributor.h"

namespace kiln {

/// AIB's lastRunStatus.runState.
enum class RunState { kRunning, kSucceeded, kPartiallySucceeded, kFailed, kCanceled };
std::string_view to_string(RunState state);

/// run.json: AIB's lastRunStatus and runOutputs shapes, and ours beside them. Folded from the same
/// events that logs and terminals get; saved after every phase.
class RunRecord : public EventSink {
 public:
  /// @param redactor outlives the record; everything saved goes through it
  RunRecord(std::filesystem::path path,
            std::string id,
            nlohmann::json plan,
            const Redactor& redactor);

  void emit(const Event& event) noexcept override;
  void add_input(const std::string& uri, const std::string& sha256, std::uint64_t bytes);
  /// Host files that a killed run may leave behind; `kiln runs gc` removes them.
  void set_partial_files(const std::vector<std::filesystem::path>& files);
  void add_output(const Artifact& artifact);
  /// @param kept what `to_json` of a KeptDisk gives
  void keep(nlohmann::json kept) { json_["kept"] = std::move(kept); }
  [[nodiscard]] bool keeps() const { return json_.contains("kept"); }
  void finish(RunState state, const std::string& message);
  void fail_with(const Error& error);
  /// Atomic; safe to call at any time.
  Result<void> save() const;

 private:
  std::filesystem::path path_;
  nlohmann::json json_;
  const Redactor& redactor_;
};

}  // namespace kiln
