#include "engine/run/event_bus.h"

namespace kiln {

void EventBus::emit(const Event& event) noexcept {
  Event stamped = event;
  stamped.message = redactor_.redact(event.message);
  for (auto& [name, value] : stamped.fields) value = redactor_.redact(value);
  stamped.time = std::chrono::system_clock::now();
  const std::lock_guard lock(mutex_);
  if (event.type == EventType::kWarning && !warnings_.insert(stamped.message).second) return;
  stamped.seq = next_++;
  for (auto* sink : sinks_) sink->emit(stamped);
}

}  // namespace kiln
