#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/error.h"

namespace kiln {

enum class EventType {
  kBuildStarted,
  kBuildFinished,
  kPhaseStarted,
  kPhaseFinished,
  kStepStarted,
  kStepFinished,
  kStepOutput,  ///< one line of a step's output, in `message`; fields["stream"] is stdout or stderr
  kProgress,
  kNotice,
  kWarning,
  kArtifact,  ///< something was delivered; fields["runOutputName"], fields["uri"], …
};

/// The wire name, e.g. `step.output`.
std::string_view to_string(EventType type);

struct Progress {
  std::uint64_t done = 0;
  std::uint64_t total = 0;  ///< 0 where unknown
  std::string unit;         ///< "bytes", "steps", …
};

/// One thing that happened. Every started event has a finished one (see ActivityScope).
struct Event {
  EventType type = EventType::kNotice;
  std::string phase;    ///< customize, generalize, …; empty outside of phases
  std::string step_id;  ///< unique within the run, e.g. `customize-02`; empty outside of steps
  std::string message;
  std::optional<Progress> progress;
  std::map<std::string, std::string> fields;
  std::uint64_t seq = 0;                       ///< set by EventBus
  std::chrono::system_clock::time_point time;  ///< set by EventBus
};

/// Somewhere events go. Sinks never fail and never throw; throttling is theirs, not the emitter's.
class EventSink {
 public:
  EventSink() = default;
  EventSink(const EventSink&) = delete;
  EventSink& operator=(const EventSink&) = delete;
  virtual ~EventSink() = default;
  virtual void emit(const Event& event) noexcept = 0;
};

/// For callers that have nobody to tell.
EventSink& null_sink();

/// Emits `started` now and `finished` on every way out of the scope.
class ActivityScope {
 public:
  enum class Level { kPhase, kStep };
  ActivityScope(
      EventSink& sink, Level level, std::string phase, std::string step_id, std::string message);
  ActivityScope(const ActivityScope&) = delete;
  ActivityScope& operator=(const ActivityScope&) = delete;
  ~ActivityScope();

  void succeeded() { outcome_ = "succeeded"; }
  void skipped() { outcome_ = "skipped"; }
  void failed(const Error& error);
  [[nodiscard]] std::chrono::milliseconds elapsed() const;

 private:
  EventSink& sink_;
  Level level_;
  Event event_;
  std::string outcome_ = "failed";
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

void notice(EventSink& sink, std::string message, std::string phase = {});
void warning(EventSink& sink, std::string message, std::string phase = {});

}  // namespace kiln
