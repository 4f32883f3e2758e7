#pragma once

#include <atomic>
#include <thread>

#include "engine/core/cancel.h"

namespace kiln {

/// Turns SIGINT, SIGTERM and SIGHUP into a cancellation while it lives. The first one asks for a
/// clean end; the third one ends the process at once, for the user who will not wait.
class SignalCancellation {
 public:
  SignalCancellation();
  SignalCancellation(const SignalCancellation&) = delete;
  SignalCancellation& operator=(const SignalCancellation&) = delete;
  ~SignalCancellation();
  [[nodiscard]] const CancelToken& token() const { return source_.token(); }

 private:
  CancelSource source_;
  std::jthread watcher_;
};

}  // namespace kiln
