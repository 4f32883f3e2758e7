#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/agent/frame.h"

namespace kiln::agent {

/// Frames on their way to the host. Data waits while there is no room; control frames are few and
/// always taken, so a cancel or a ping is answered however slowly the host reads.
class Outbox {
 public:
  void add(FrameType type, std::uint32_t request, std::string_view payload) {
    bytes_.append(encode_frame(type, request, payload));
  }
  [[nodiscard]] bool has_room() const { return size() < kRoom; }
  /// The host reads nothing and yet keeps asking: read no more from it.
  [[nodiscard]] bool overfull() const { return size() > 4 * kRoom; }
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] std::string_view unsent() const { return std::string_view(bytes_).substr(sent_); }
  /// The port has taken the first `bytes` of what was unsent.
  void sent(std::size_t bytes) {
    sent_ += bytes;
    if (sent_ < bytes_.size() && sent_ < kRoom) return;
    bytes_.erase(0, sent_);
    sent_ = 0;
  }

 private:
  static constexpr std::size_t kRoom = 4 * kMaxPayload;
  [[nodiscard]] std::size_t size() const { return bytes_.size() - sent_; }

  std::string bytes_;
  std::size_t sent_ = 0;
};

}  // namespace kiln::agent
