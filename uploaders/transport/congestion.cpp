#include "uploaders/transport/congestion.h"

#include <algorithm>
#include <array>

namespace kiln {
namespace {

constexpr double kFirstLimit = 4;

}  // namespace

Load judge_load(const Result<HttpResponse>& answer) {
  if (!answer) return answer.error().code() == "Http:Stalled" ? Load::kTooMuch : Load::kUnknown;
  constexpr std::array kBusy = {408, 429, 500, 503, 504};
  if (std::ranges::find(kBusy, answer->status) != kBusy.end()) return Load::kTooMuch;
  return answer->status < 400 ? Load::kBearable : Load::kUnknown;
}

CongestionLimit::CongestionLimit(unsigned most)
    : most_(std::max(most, 1U)), limit_(std::min(most_, kFirstLimit)), threshold_(most_) {}

void CongestionLimit::grow() {
  const double step = limit_ < threshold_ ? 1.0 : 1.0 / limit_;
  limit_ = std::min(limit_ + step, most_);
}

void CongestionLimit::shrink() {
  limit_ = std::max(limit_ / 2, 1.0);
  threshold_ = limit_;
}

void CongestionGate::Pass::end(Load load, std::optional<std::chrono::milliseconds> pause) {
  if (auto* gate = std::exchange(gate_, nullptr)) gate->leave(number_, load, pause);
}

Result<CongestionGate::Pass> CongestionGate::enter(const CancelToken& cancel) {
  std::unique_lock lock(mutex_);
  while (!cancel.requested()) {
    const auto now = std::chrono::steady_clock::now();
    if (closed_until_ > now) {
      changed_.wait_until(lock, cancel.stop_token(), closed_until_, [] { return false; });
    } else if (under_way_ < limit_.value()) {
      ++under_way_;
      return Pass(*this, ++started_);
    } else {
      changed_.wait(lock, cancel.stop_token(), [&] { return under_way_ < limit_.value(); });
    }
  }
  return cancelled();
}

unsigned CongestionGate::limit() const {
  const std::lock_guard lock(mutex_);
  return limit_.value();
}

void CongestionGate::leave(std::uint64_t number,
                           Load load,
                           std::optional<std::chrono::milliseconds> pause) {
  const std::lock_guard lock(mutex_);
  --under_way_;
  if (load == Load::kBearable) limit_.grow();
  // Attempts that were under way together meet the same trouble, which counts once.
  if (load == Load::kTooMuch && number > shrunk_at_) {
    limit_.shrink();
    shrunk_at_ = started_;
  }
  if (pause) {
    closed_until_ = std::max(closed_until_, std::chrono::steady_clock::now() + *pause);
  }
  changed_.notify_all();
}

}  // namespace kiln
