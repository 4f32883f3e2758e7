#include "engine/run/run_log.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/chrono.h>

#include "engine/core/json.h"
#include "engine/run/event_json.h"

namespace kiln {
namespace {

/// The service's word for the kind of a step, which stands in front of a step's title.
std::string provisioner(const std::string& title) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kWords = {
      {{"Shell", "shell"},
       {"File", "file"},
       {"PowerShell", "powershell"},
       {"WindowsRestart", "windows-restart"},
       {"WindowsUpdate", "windows-update"}}};
  const auto type = std::string_view(title).substr(0, title.find(':'));
  for (const auto& [ours, theirs] : kWords) {
    if (type == ours) return fmt::format("{} ({})", theirs, title);
  }
  return title;
}

/// The lines of AIB's customization.log and validation.log: markers for provisioners, four spaces
/// before standard output, an arrow before standard error.
std::string customization_text(const Event& event) {
  const auto field = [&](const char* name) {
    const auto found = event.fields.find(name);
    return found == event.fields.end() ? std::string() : found->second;
  };
  switch (event.type) {
    case EventType::kStepStarted:
      return fmt::format("(telemetry) Starting provisioner {}", provisioner(event.message));
    case EventType::kStepFinished:
      return fmt::format(
          "(telemetry) ending {} ({})", provisioner(event.message), field("outcome"));
    case EventType::kPhaseStarted:
      return fmt::format("==> azure-arm: {} ...", event.phase);
    case EventType::kStepOutput:
      return field("stream") == "stderr" ? "==> azure-arm: " + event.message
                                         : "    azure-arm: " + event.message;
    case EventType::kWarning:
      return "==> azure-arm: warning: " + event.message;
    case EventType::kNotice:
      return "    azure-arm: " + event.message;
    default:
      return {};
  }
}

}  // namespace

RunLog::RunLog(std::filesystem::path folder) : folder_(std::move(folder)) {
  events_ = open(folder_ / "events.jsonl");
  customization_ = open(folder_ / "customization.log");
}

RunLog::~RunLog() = default;

RunLog::File RunLog::open(const std::filesystem::path& path) {
  File file(std::fopen(path.c_str(), "ae"));
  if (!file) trouble_ = fmt::format("cannot write {}: {}", path.string(), strerror(errno));
  return file;
}

void RunLog::write(const File& file, const std::string& line) {
  if (!file) return;
  if (std::fwrite(line.data(), 1, line.size(), file.get()) != line.size() ||
      std::fputc('\n', file.get()) == EOF) {
    trouble_ = fmt::format("cannot write a log in {}: {}", folder_.string(), strerror(errno));
  }
}

void RunLog::write_step_output(const Event& event) {
  if (step_id_ != event.step_id) {
    step_id_ = event.step_id;
    step_ = open(folder_ / "steps" / (event.step_id + ".log"));
  }
  write(step_, event.message);
}

void RunLog::write_customization(const Event& event) {
  if (event.type == EventType::kPhaseStarted) {
    validating_ = event.phase == "validate";
    if (validating_) validation_ = open(folder_ / "validation.log");
  }
  const auto text = customization_text(event);
  if (text.empty()) return;
  const auto time = std::chrono::system_clock::to_time_t(event.time);
  write(validating_ ? validation_ : customization_,
        fmt::format("[{}] PACKER {:%Y/%m/%d %H:%M:%S} ui: {}",
                    folder_.filename().string(),
                    fmt::gmtime(time),
                    text));
}

void RunLog::emit(const Event& event) noexcept {
  write(events_, dump_json(event_to_json(event)));
  write_customization(event);
  if (event.type == EventType::kStepOutput) {
    write_step_output(event);
    return;
  }
  // Output lines may come by the million and are flushed by whatever follows them.
  for (const auto* file : {&events_, &customization_, &validation_, &step_}) {
    if (*file) std::fflush(file->get());
  }
}

}  // namespace kiln
