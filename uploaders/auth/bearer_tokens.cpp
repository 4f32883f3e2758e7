#include "uploaders/auth/bearer_tokens.h"

#include <algorithm>
#include <utility>

namespace kiln {
namespace {

/// Issuers themselves begin to give new tokens about five minutes before the old ones expire.
constexpr std::chrono::minutes kRenewBefore{5};
/// A token of which so little is left may expire on its way.
constexpr std::chrono::seconds kTooLate{20};
constexpr std::chrono::seconds kPauseAfterFailure{15};
constexpr std::chrono::milliseconds kLookAtCancel{100};

}  // namespace

BearerTokens::BearerTokens(TokenSource& source,
                           std::string audience,
                           Redactor& redactor,
                           Clock clock)
    : source_(source),
      audience_(std::move(audience)),
      redactor_(redactor),
      clock_(std::move(clock)) {}

Result<Secret> BearerTokens::value(const CancelToken& cancel) {
  KILN_TRY_ASSIGN(const auto ready, token_at_hand(cancel));
  if (ready) return *ready;
  return store(source_.request(audience_, cancel));
}

Result<std::optional<Secret>> BearerTokens::token_at_hand(const CancelToken& cancel) {
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto now = clock_();
    const auto life = current_.expires - obtained_;
    // Tokens that live for a few minutes only are renewed at half of their life.
    const auto early = std::min<decltype(life)>(kRenewBefore, life / 2);
    const bool valid = !current_.value.empty() && now + kTooLate < current_.expires;
    const bool just_failed = failure_ && now < failed_ + kPauseAfterFailure;
    if (valid && (now + early < current_.expires || renewing_ || just_failed)) {
      return current_.value;
    }
    if (!renewing_) {
      if (just_failed) return *failure_;
      renewing_ = true;
      return std::nullopt;
    }
    renewed_.wait_for(lock, kLookAtCancel);
    KILN_TRY(cancel.check());
  }
}

Result<Secret> BearerTokens::store(Result<AccessToken> fresh) {
  const std::lock_guard lock(mutex_);
  renewing_ = false;
  renewed_.notify_all();
  const auto now = clock_();
  if (fresh) {
    redactor_.add(fresh->value);
    current_ = *std::move(fresh);
    obtained_ = now;
    failure_.reset();
    return current_.value;
  }
  if (fresh.error().kind() != ErrorKind::kCancelled) {
    failure_ = fresh.error();
    failed_ = now;
  }
  if (!current_.value.empty() && now + kTooLate < current_.expires) return current_.value;
  return std::move(fresh).error();
}

Result<void> BearerTokens::renew(const Secret& used, const CancelToken& cancel) {
  {
    // Where it has been replaced already, nothing happens: many refused requests lead to one
    // renewal.
    const std::lock_guard lock(mutex_);
    if (current_.value.reveal() == used.reveal()) current_ = {};
  }
  KILN_TRY(value(cancel));
  return {};
}

}  // namespace kiln
