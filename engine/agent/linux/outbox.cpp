#include "engine/agent/linux/outbox.h"

#include <cerrno>
#include <unistd.h>

namespace kiln::agent {

bool Outbox::flush(int port) {
  while (sent_ < bytes_.size()) {
    const auto written = ::write(port, bytes_.data() + sent_, bytes_.size() - sent_);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) break;
    if (written < 0) return false;
    sent_ += static_cast<std::size_t>(written);
  }
  if (sent_ == bytes_.size() || sent_ >= kRoom) {
    bytes_.erase(0, sent_);
    sent_ = 0;
  }
  return true;
}

}  // namespace kiln::agent
