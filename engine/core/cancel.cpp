#include "engine/core/cancel.h"

#include <cstdint>
#include <sys/eventfd.h>

namespace kiln {

struct CancelToken::Pipe {
  UniqueFd event{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};

int CancelToken::fd() const {
  return pipe_ ? pipe_->event.get() : -1;
}

Result<void> CancelToken::check() const {
  if (requested()) return cancelled();
  return {};
}

CancelSource::CancelSource() {
  token_.token_ = source_.get_token();
  token_.pipe_ = std::make_shared<CancelToken::Pipe>();
}

void CancelSource::request() {
  source_.request_stop();
  const std::uint64_t one = 1;
  // Never read again, so it stays readable; a full counter is as good.
  [[maybe_unused]] const auto written = ::write(token_.fd(), &one, sizeof one);
}

Error cancelled() {
  return {ErrorKind::kCancelled, "Run:Cancelled", "cancelled"};
}

}  // namespace kiln
