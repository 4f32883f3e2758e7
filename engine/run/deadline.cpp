#include "engine/run/deadline.h"

#include <condition_variable>
#include <functional>
#include <mutex>

#include "engine/core/text.h"

namespace kiln {

Deadline::Deadline(const CancelToken& user, std::chrono::milliseconds limit)
    : limit_(limit),
      on_user_(user.stop_token(), [this] { source_.request(); }),
      clock_([this](const std::stop_token& stop) {
        std::mutex mutex;
        std::condition_variable_any condition;
        std::unique_lock lock(mutex);
        condition.wait_for(lock, stop, limit_, [] { return false; });
        if (!stop.stop_requested()) {
          expired_ = true;
          source_.request();
        }
      }) {}

Error Deadline::explain(Error error) const {
  if (error.kind() != ErrorKind::kCancelled || !expired_) return error;
  auto late = fail(ErrorKind::kTimeout,
                   "Run:BuildTimeout",
                   "the build did not finish within {}",
                   format_duration(limit_))
                  .quoting(error.quoted())
                  .cure("raise properties.buildTimeoutInMinutes in the template (at most 960)");
  for (const auto& activity : error.context()) late = std::move(late).while_doing(activity);
  return late;
}

}  // namespace kiln
