#include "engine/core/event.h"

namespace kiln {
namespace {

class NullSink : public EventSink {
 public:
  void emit(const Event& /*event*/) noexcept override {}
};

EventType started(ActivityScope::Level level) {
  return level == ActivityScope::Level::kPhase ? EventType::kPhaseStarted : EventType::kStepStarted;
}

EventType finished(ActivityScope::Level level) {
  return level == ActivityScope::Level::kPhase ? EventType::kPhaseFinished
                                               : EventType::kStepFinished;
}

void say(EventSink& sink, EventType type, std::string message, std::string phase) {
  Event event;
  event.type = type;
  event.phase = std::move(phase);
  event.message = std::move(message);
  sink.emit(event);
}

}  // namespace

std::string_view to_string(EventType type) {
  switch (type) {
    case EventType::kBuildStarted:
      return "build.started";
    case EventType::kBuildFinished:
      return "build.finished";
    case EventType::kPhaseStarted:
      return "phase.started";
    case EventType::kPhaseFinished:
      return "phase.finished";
    case EventType::kStepStarted:
      return "step.started";
    case EventType::kStepFinished:
      return "step.finished";
    case EventType::kStepOutput:
      return "step.output";
    case EventType::kProgress:
      return "progress";
    case EventType::kNotice:
      return "notice";
    case EventType::kWarning:
      return "warning";
    case EventType::kArtifact:
      return "artifact";
  }
  return "notice";
}

EventSink& null_sink() {
  static NullSink sink;
  return sink;
}

ActivityScope::ActivityScope(
    EventSink& sink, Level level, std::string phase, std::string step_id, std::string message)
    : sink_(sink), level_(level) {
  event_.type = started(level);
  event_.phase = std::move(phase);
  event_.step_id = std::move(step_id);
  event_.message = std::move(message);
  sink_.emit(event_);
}

ActivityScope::~ActivityScope() {
  event_.type = finished(level_);
  event_.fields["outcome"] = outcome_;
  event_.fields["milliseconds"] = std::to_string(elapsed().count());
  sink_.emit(event_);
}

void ActivityScope::failed(const Error& error) {
  outcome_ = error.kind() == ErrorKind::kCancelled ? "cancelled" : "failed";
  event_.fields["error"] = error.summary();
  event_.fields["code"] = error.code();
}

std::chrono::milliseconds ActivityScope::elapsed() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               start_);
}

void notice(EventSink& sink, std::string message, std::string phase) {
  say(sink, EventType::kNotice, std::move(message), std::move(phase));
}

void warning(EventSink& sink, std::string message, std::string phase) {
  say(sink, EventType::kWarning, std::move(message), std::move(phase));
}

}  // namespace kiln
