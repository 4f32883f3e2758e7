#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "engine/agent/messages.h"
#include "engine/agent/session/outbox.h"

namespace kiln::agent {

/// What a remove has removed and not yet told, in frames of a sane size.
class RemovedPaths {
 public:
  explicit RemovedPaths(std::uint32_t request) : request_(request) {}

  void add(std::string path) {
    bytes_ += path.size() + sizeof(std::uint32_t);
    report_.paths.push_back(std::move(path));
  }
  /// Enough for a frame.
  [[nodiscard]] bool fill_a_frame() const { return bytes_ >= kMaxPayload / 2; }
  void tell(Outbox& outbox) {
    if (report_.paths.empty()) return;
    outbox.add(FrameType::kRemoved, request_, encode(report_));
    report_ = {};
    bytes_ = 0;
  }

 private:
  std::uint32_t request_;
  RemovedReport report_;
  std::size_t bytes_ = 0;
};

}  // namespace kiln::agent
