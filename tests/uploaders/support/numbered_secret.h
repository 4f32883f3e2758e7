#pragma once

#include <mutex>
#include <vector>

#include "uploaders/auth/renewable_secret.h"

namespace kiln::test {

/// Gives the first of some values until it is renewed, then the next, and counts.
class NumberedSecret : public RenewableSecret {
 public:
  explicit NumberedSecret(std::vector<std::string> values) : values_(std::move(values)) {}

  Result<Secret> value(const CancelToken& /*cancel*/) override {
    const std::lock_guard lock(mutex_);
    return Secret(values_[now_]);
  }
  Result<void> renew(const Secret& used, const CancelToken& /*cancel*/) override {
    const std::lock_guard lock(mutex_);
    if (used.reveal() == values_[now_] && now_ + 1 < values_.size()) ++now_;
    return {};
  }
  [[nodiscard]] std::size_t renewals() const { return now_; }

 private:
  std::mutex mutex_;
  std::vector<std::string> values_;
  std::size_t now_ = 0;
};

}  // namespace kiln::test
