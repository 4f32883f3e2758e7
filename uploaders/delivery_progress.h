#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "engine/core/event.h"

namespace kiln {

/// A delivery's progress as events: bytes of the disk, at most five a second and never backwards.
/// The end is always told.
class DeliveryProgress {
 public:
  /// @param activity begins each message, e.g. `uploading image.vhd`
  DeliveryProgress(EventSink& events, std::string step_id, std::string activity)
      : events_(events), step_id_(std::move(step_id)), activity_(std::move(activity)) {}

  /// @param fields more to tell, beside the percentage
  void update(std::uint64_t done,
              std::uint64_t total,
              std::map<std::string, std::string> fields = {});

 private:
  EventSink& events_;
  std::string step_id_;
  std::string activity_;
  std::uint64_t told_ = 0;
  /// The first is told at once.
  std::chrono::steady_clock::time_point next_ = {};
};

}  // namespace kiln
