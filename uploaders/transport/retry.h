#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "uploaders/transport/http.h"

namespace kiln {

/// How patient to be. The defaults are azcopy's: delays from 1 s doubling up to 60 s; fewer tries,
/// because a person waits.
struct RetryPolicy {
  unsigned attempts = 10;
  std::chrono::milliseconds first_delay{1'000};
  std::chrono::milliseconds longest_delay{60'000};
};

/// For looking whether something is there: a person waits for the answer, and a misspelt host stays
/// misspelt. At most three attempts, a few seconds in all.
RetryPolicy impatient(RetryPolicy policy);

/// Statuses that a later attempt may turn into success: 408, 429, 500, 502, 503, 504.
bool worth_retrying(int status);
/// Transport failures that are not final: connections refused, reset, stalled, cut short.
bool worth_retrying(const Error& error);

/// What the server asked for: `retry-after-ms`, `x-ms-retry-after-ms`, or `Retry-After` in seconds
/// or as a date.
std::optional<std::chrono::milliseconds> server_delay(const HttpHeaders& headers,
                                                      std::chrono::system_clock::time_point now);

/// How long to wait after attempt number `attempt` (from 1) failed: exponential with jitter, never
/// less than the server asked for, never more than the policy's longest.
/// @param jitter in [0, 1): the part of the upper half that is waited
std::chrono::milliseconds retry_delay(const RetryPolicy& policy,
                                      unsigned attempt,
                                      double jitter,
                                      std::optional<std::chrono::milliseconds> asked);

struct Exchange {
  HttpResponse response;
  unsigned attempts = 1;
};

struct RetryHooks {
  /// Told of every attempt's end, before anything else is decided.
  std::function<void(const Result<HttpResponse>&)> ended;
  /// Says whether an answer deserves another attempt; the default looks at the status only.
  std::function<bool(const HttpResponse&)> again;
  /// Told before each wait.
  std::function<void(unsigned attempt, const std::string& why, std::chrono::milliseconds delay)>
      waiting;
};

/// Sends until an answer is final or the attempts are used up; then the last answer or transport
/// failure is the result.
/// @param make called for every attempt, since a signature covers the time
Result<Exchange> send_with_retry(HttpSession& session,
                                 const std::function<Result<HttpRequest>()>& make,
                                 const RetryPolicy& policy,
                                 const CancelToken& cancel,
                                 const RetryHooks& hooks = {},
                                 const BodySink& sink = {});

/// Sleeps, or returns the cancellation as an error.
Result<void> wait_for(std::chrono::milliseconds delay, const CancelToken& cancel);

}  // namespace kiln
