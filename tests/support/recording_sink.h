#pragma once

#include <mutex>
#include <vector>

#include "engine/core/event.h"

namespace kiln::test {

/// Keeps every event for inspection.
class RecordingSink : public EventSink {
 public:
  void emit(const Event& event) noexcept override {
    const std::lock_guard lock(mutex_);
    events_.push_back(event);
  }
  [[nodiscard]] std::vector<Event> events() const {
    const std::lock_guard lock(mutex_);
    return events_;
  }
  [[nodiscard]] std::vector<std::string> messages(EventType type) const {
    std::vector<std::string> found;
    for (const auto& event : events()) {
      if (event.type == type) found.push_back(event.message);
    }
    return found;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Event> events_;
};

}  // namespace kiln::test
