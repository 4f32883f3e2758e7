#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "engine/core/event.h"

namespace kiln {

/// A delivery's progress as events: bytes of the disk, at most a thousand events and never
/// backwards.
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
  std::uint64_t next_ = 0;  ///< the least `done` worth an event
};

}  // namespace kiln
