#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <stop_token>
#include <thread>

#include "engine/core/cancel.h"

namespace kiln {

/// One token for everything that may stop a run: the user's wish and the template's
/// buildTimeoutInMinutes.
class Deadline {
 public:
  Deadline(const CancelToken& user, std::chrono::milliseconds limit);
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  [[nodiscard]] const CancelToken& token() const { return source_.token(); }
  /// Turns a cancellation that the clock caused into a time-out of what was being done.
  [[nodiscard]] Error explain(Error error) const;

 private:
  std::chrono::milliseconds limit_;
  CancelSource source_;
  std::atomic<bool> expired_ = false;
  std::stop_callback<std::function<void()>> on_user_;
  std::jthread clock_;
};

}  // namespace kiln
