#pragma once

#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "engine/core/event.h"
#include "engine/core/redact.h"

namespace kiln {

/// Numbers, dates and redacts events, then hands them to every sink in turn. Safe to call from any
/// thread; sinks see one event at a time. They see a warning once, however often it is found out:
/// each start of a machine finds that KVM does not work.
class EventBus : public EventSink {
 public:
  /// @param redactor outlives the bus
  explicit EventBus(const Redactor& redactor) : redactor_(redactor) {}
  /// @param sink outlives the bus
  void add(EventSink& sink) { sinks_.push_back(&sink); }
  void emit(const Event& event) noexcept override;

 private:
  const Redactor& redactor_;
  std::mutex mutex_;
  std::vector<EventSink*> sinks_;
  std::uint64_t next_ = 1;
  std::set<std::string> warnings_;  ///< told so far
};

}  // namespace kiln
