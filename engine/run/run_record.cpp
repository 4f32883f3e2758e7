#include "engine/run/run_record.h"

#include <algorithm>
#include <unistd.h>

#include "engine/core/file.h"
#include "engine/core/json.h"
#include "engine/core/text.h"
#include "engine/run/run_folder.h"

namespace kiln {
namespace {

constexpr int kFormatVersion = 1;
/// The resource type of a run output in the service's API.
constexpr const char* kRunOutputType = "Microsoft.VirtualMachineImages/imageTemplates/runOutputs";

/// AIB's runSubState for our phases.
std::string_view sub_state(std::string_view phase) {
  if (phase == "distribute") return "Distributing";
  if (phase == "validate") return "Validating";
  if (phase == "customize" || phase == "generalize" || phase == "check") return "Customizing";
  return "Building";
}

nlohmann::json activity_json(const Event& event) {
  nlohmann::json json = {{"name", event.step_id.empty() ? event.phase : event.step_id},
                         {"outcome", event.fields.at("outcome")},
                         {"milliseconds", std::stoll(event.fields.at("milliseconds"))}};
  if (!event.step_id.empty()) {
    json["phase"] = event.phase;
    json["what"] = event.message;
  }
  if (const auto layer = event.fields.find("layer"); layer != event.fields.end()) {
    json["layer"] = layer->second;
  }
  if (const auto error = event.fields.find("error"); error != event.fields.end()) {
    json["error"] = error->second;
  }
  return json;
}

}  // namespace

std::string_view to_string(RunState state) {
  switch (state) {
    case RunState::kRunning:
      return "Running";
    case RunState::kSucceeded:
      return "Succeeded";
    case RunState::kPartiallySucceeded:
      return "PartiallySucceeded";
    case RunState::kFailed:
      return "Failed";
    case RunState::kCanceled:
      return "Canceled";
  }
  return "Failed";
}

RunRecord::RunRecord(std::filesystem::path path,
                     std::string id,
                     nlohmann::json plan,
                     const Redactor& redactor)
    : path_(std::move(path)), redactor_(redactor) {
  json_ = {{"formatVersion", kFormatVersion},
           {"id", std::move(id)},
           {"kilnVersion", KILN_VERSION},
           {"pid", ::getpid()},
           {"lastRunStatus",
            {{"runState", to_string(RunState::kRunning)},
             {"runSubState", "Queued"},
             {"startTime", format_time(std::chrono::system_clock::now())}}},
           {"runOutputs", nlohmann::json::array()},
           {"phases", nlohmann::json::array()},
           {"steps", nlohmann::json::array()},
           {"inputs", nlohmann::json::array()},
           {"partialFiles", nlohmann::json::array()},
           {"layers", nlohmann::json::array()},
           {"plan", std::move(plan)}};
}

RunRecord::RunRecord(std::filesystem::path path, nlohmann::json json, const Redactor& redactor)
    : path_(std::move(path)), json_(std::move(json)), redactor_(redactor) {
  json_["pid"] = ::getpid();
  json_["lastRunStatus"]["runState"] = to_string(RunState::kRunning);
  json_["lastRunStatus"].erase("endTime");
  json_.erase("error");
}

void RunRecord::emit(const Event& event) noexcept {
  const std::lock_guard lock(mutex_);
  if (event.type == EventType::kPhaseStarted) {
    json_["lastRunStatus"]["runSubState"] = sub_state(event.phase);
  } else if (event.type == EventType::kPhaseFinished) {
    json_["phases"].push_back(activity_json(event));
  } else if (event.type == EventType::kStepFinished) {
    json_["steps"].push_back(activity_json(event));
  } else {
    return;
  }
  // A record that cannot be saved now is saved, or complained about, at the end.
  [[maybe_unused]] const auto saved = save_locked();
}

void RunRecord::add_input(const std::string& uri, const std::string& sha256, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  json_["inputs"].push_back({{"uri", redact_url(uri)}, {"sha256", sha256}, {"bytes", bytes}});
}

void RunRecord::add_layer(const Layer& layer, bool served) {
  const std::lock_guard lock(mutex_);
  json_["layers"].push_back({{"key", layer.key()},
                             {"file", layer.files.front().id},
                             {"what", layer.what},
                             {"run", layer.run},
                             {"bytes", layer.bytes},
                             {"served", served}});
}

void RunRecord::forget_layers() {
  const std::lock_guard lock(mutex_);
  json_["layers"] = nlohmann::json::array();
}

void RunRecord::set_partial_files(const std::vector<std::filesystem::path>& files) {
  json_["partialFiles"] = nlohmann::json::array();
  for (const auto& file : files) json_["partialFiles"].push_back(file.string());
}

void RunRecord::add_output(const Artifact& artifact) {
  nlohmann::json properties = {{"provisioningState", "Succeeded"}};
  if (!artifact.artifact_uri.empty()) properties["artifactUri"] = artifact.artifact_uri;
  if (!artifact.artifact_id.empty()) properties["artifactId"] = artifact.artifact_id;
  const std::lock_guard lock(mutex_);
  const auto id = json_["plan"].value("id", "");
  auto& outputs = json_["runOutputs"];
  std::erase_if(outputs.get_ref<nlohmann::json::array_t&>(), [&](const auto& output) {
    return output.value("name", "") == artifact.run_output_name;
  });
  outputs.push_back({{"id", fmt::format("{}/runOutputs/{}", id, artifact.run_output_name)},
                     {"name", artifact.run_output_name},
                     {"type", kRunOutputType},
                     {"distributor", artifact.type},
                     {"properties", properties},
                     {"sizeBytes", artifact.size_bytes},
                     {"sentBytes", artifact.sent_bytes},
                     {"details", artifact.details}});
  [[maybe_unused]] const auto saved = save_locked();
}

bool RunRecord::has_output(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto& outputs = json_.at("runOutputs");
  return std::ranges::any_of(outputs,
                             [&](const auto& output) { return output.value("name", "") == name; });
}

std::vector<std::string> RunRecord::artifact_ids() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> ids;
  for (const auto& output : json_.at("runOutputs")) {
    const auto properties = output.value("properties", nlohmann::json::object());
    if (auto id = properties.value("artifactId", ""); !id.empty()) ids.push_back(std::move(id));
  }
  return ids;
}

void RunRecord::set_finished(nlohmann::json finished) {
  const std::lock_guard lock(mutex_);
  if (finished.is_null()) {
    json_.erase("finished");
  } else {
    json_["finished"] = std::move(finished);
  }
  [[maybe_unused]] const auto saved = save_locked();
}

void forget_finished(const RunFolder& folder, RunRecord& record) {
  record.set_finished(nullptr);
  std::error_code ignored;  // `runs gc` removes what is left
  std::filesystem::remove_all(folder.finished(), ignored);
  std::filesystem::remove_all(folder.journals(), ignored);
}

void RunRecord::finish(RunState state, const std::string& message) {
  auto& status = json_["lastRunStatus"];
  status["runState"] = to_string(state);
  status["endTime"] = format_time(std::chrono::system_clock::now());
  status["message"] = message;
  if (state == RunState::kSucceeded) status.erase("runSubState");
}

void RunRecord::fail_with(const Error& error) {
  json_["error"] = {{"code", error.code()},
                    {"kind", to_string(error.kind())},
                    {"message", error.message()},
                    {"where", error.where()},
                    {"cure", error.cure()},
                    {"while", error.context()},
                    {"quoted", error.quoted()}};
}

Result<void> RunRecord::save() const {
  const std::lock_guard lock(mutex_);
  return save_locked();
}

Result<void> RunRecord::save_locked() const {
  return write_file_atomic(path_, redactor_.redact(dump_json(json_, 2)) + "\n");
}

}  // namespace kiln
