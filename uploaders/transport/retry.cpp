#include "uploaders/transport/retry.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <ctime>
#include <poll.h>
#include <random>

#include "engine/core/text.h"
#include "uploaders/transport/transport_failure.h"

namespace kiln {
namespace {

using std::chrono::milliseconds;

/// A day is longer than anyone waits, and keeps the arithmetic below from overflowing.
constexpr std::int64_t kLongestAsked = 86'400'000;

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return std::min(value, kLongestAsked);
}

/// RFC 9110 5.6.7, the preferred form only: `Sun, 06 Nov 1994 08:49:37 GMT`. Seconds since 1970, as
/// the clock's own time points end in the year 2262.
std::optional<std::int64_t> http_date(const std::string& text) {
  std::tm parts{};
  const char* end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return ::timegm(&parts);
}

double random_jitter() {
  thread_local std::minstd_rand engine{std::random_device{}()};
  return std::uniform_real_distribution<double>(0.0, 1.0)(engine);
}

std::string reason(const Result<HttpResponse>& answer) {
  if (!answer) return answer.error().message();
  return fmt::format("HTTP {}", answer->status);
}

}  // namespace

RetryPolicy impatient(RetryPolicy policy) {
  policy.attempts = std::min(policy.attempts, 3U);
  policy.longest_delay = std::min(policy.longest_delay, milliseconds(2'000));
  return policy;
}

bool worth_retrying(int status) {
  constexpr std::array kStatuses = {408, 429, 500, 502, 503, 504};
  return std::find(kStatuses.begin(), kStatuses.end(), status) != kStatuses.end();
}

bool worth_retrying(const Error& error) {
  const auto failures = transport_failures();
  return std::any_of(failures.begin(), failures.end(), [&](const auto& failure) {
    return failure.retry && failure.code == error.code();
  });
}

std::optional<milliseconds> server_delay(const HttpHeaders& headers,
                                         std::chrono::system_clock::time_point now) {
  for (const auto* name : {"retry-after-ms", "x-ms-retry-after-ms"}) {
    if (const auto number = whole_number(headers.value(name))) return milliseconds(*number);
  }
  const auto text = headers.value("Retry-After");
  if (const auto number = whole_number(text)) return std::chrono::seconds(*number);
  const auto date = http_date(text);
  if (!date) return std::nullopt;
  const auto left = *date - std::chrono::system_clock::to_time_t(now);
  return std::chrono::seconds(std::clamp<std::int64_t>(left, 0, kLongestAsked / 1000));
}

milliseconds retry_delay(const RetryPolicy& policy,
                         unsigned attempt,
                         double jitter,
                         std::optional<milliseconds> asked) {
  const auto doublings = std::min(attempt > 0 ? attempt - 1 : 0, 20U);
  const auto full =
      std::min(policy.first_delay * (std::int64_t{1} << doublings), policy.longest_delay);
  // Half is certain and half is drawn, so that workers which failed together come back apart.
  const auto drawn =
      full / 2 + milliseconds(std::llround(static_cast<double>(full.count()) / 2 * jitter));
  return std::min(std::max(drawn, asked.value_or(milliseconds(0))), policy.longest_delay);
}

Result<void> wait_for(milliseconds delay, const CancelToken& cancel) {
  const auto end = std::chrono::steady_clock::now() + delay;
  while (!cancel.requested()) {
    const auto left =
        std::chrono::ceil<milliseconds>(end - std::chrono::steady_clock::now()).count();
    if (left <= 0) return {};
    pollfd wakeup{cancel.fd(), POLLIN, 0};
    if (::poll(&wakeup, 1, static_cast<int>(left)) < 0 && errno != EINTR) break;
  }
  return cancel.check();
}

Result<Exchange> send_with_retry(HttpSession& session,
                                 const std::function<Result<HttpRequest>()>& make,
                                 const RetryPolicy& policy,
                                 const CancelToken& cancel,
                                 const RetryHooks& hooks,
                                 const BodySink& sink) {
  for (unsigned attempt = 1;; ++attempt) {
    KILN_TRY_ASSIGN(const auto request, make());
    auto answer = session.send(request, cancel, sink);
    if (hooks.ended) hooks.ended(answer);
    const bool again = answer
                           ? (hooks.again ? hooks.again(*answer) : worth_retrying(answer->status))
                           : worth_retrying(answer.error());
    if (!again || attempt >= policy.attempts) {
      if (answer) return Exchange{*std::move(answer), attempt};
      if (attempt == 1) return std::move(answer).error();
      return std::move(answer).error().while_doing(fmt::format("trying {} times", attempt));
    }
    const auto asked =
        answer ? server_delay(answer->headers, std::chrono::system_clock::now()) : std::nullopt;
    const auto delay = retry_delay(policy, attempt, random_jitter(), asked);
    if (hooks.waiting) hooks.waiting(attempt, reason(answer), delay);
    KILN_TRY(wait_for(delay, cancel));
  }
}

}  // namespace kiln
