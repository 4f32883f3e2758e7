#include "uploaders/transport/retry.h"

#include <chrono>
#include <deque>

#include <curl/curl.h>

#include "tests/support/matchers.h"
#include "uploaders/transport/transport_failure.h"

namespace kiln::test {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

TEST(RetryTest, Statuses) {
  for (const int status : {408, 429, 500, 502, 503, 504}) EXPECT_TRUE(worth_retrying(status));
  for (const int status : {200, 201, 301, 400, 401, 403, 404, 409, 411, 412, 413, 416, 501, 505}) {
    EXPECT_FALSE(worth_retrying(status)) << status;
  }
}

TEST(RetryTest, TransportFailures) {
  const auto retried = [](CURLcode code) {
    const auto& row = transport_failure(code);
    return worth_retrying(Error(row.kind, std::string(row.code), ""));
  };
  for (const auto code : {CURLE_COULDNT_CONNECT,
                          CURLE_COULDNT_RESOLVE_HOST,
                          CURLE_OPERATION_TIMEDOUT,
                          CURLE_SEND_ERROR,
                          CURLE_RECV_ERROR,
                          CURLE_GOT_NOTHING,
                          CURLE_PARTIAL_FILE,
                          CURLE_SSL_CONNECT_ERROR}) {
    EXPECT_TRUE(retried(code)) << code;
  }
  for (const auto code : {CURLE_PEER_FAILED_VERIFICATION,
                          CURLE_URL_MALFORMAT,
                          CURLE_UNSUPPORTED_PROTOCOL,
                          CURLE_TOO_MANY_REDIRECTS,
                          CURLE_OUT_OF_MEMORY,
                          CURLE_WRITE_ERROR}) {
    EXPECT_FALSE(retried(code)) << code;
  }
}

struct DelayCase {
  std::string name;
  std::string value;
  std::optional<milliseconds> expected;
};

TEST(RetryTest, ServerDelays) {
  const auto now = std::chrono::system_clock::from_time_t(784111777);  // Sun, 06 Nov 1994 08:49:37
  const std::vector<DelayCase> cases = {
      {"Retry-After", "7", 7000ms},
      {"retry-after", "0", 0ms},
      {"Retry-After", "Sun, 06 Nov 1994 08:49:49 GMT", 12000ms},
      {"Retry-After", "Sun, 06 Nov 1994 08:49:07 GMT", 0ms},
      {"Retry-After", "Sun, 06 Nov 8137 08:49:37 GMT", 24h},
      {"Retry-After", "-1", std::nullopt},
      {"Retry-After", "soon", std::nullopt},
      {"Retry-After", "", std::nullopt},
      {"Retry-After", "99999999999999999999", std::nullopt},
      {"retry-after-ms", "1500", 1500ms},
      {"x-ms-retry-after-ms", "250", 250ms},
      {"Other", "7", std::nullopt},
  };
  for (const auto& test : cases) {
    EXPECT_EQ(server_delay(HttpHeaders{{test.name, test.value}}, now), test.expected)
        << test.name << ": " << test.value;
  }
  EXPECT_EQ(server_delay(HttpHeaders{{"Retry-After", "9"}, {"x-ms-retry-after-ms", "20"}}, now),
            20ms);
}

TEST(RetryTest, DelaysGrowAndStayBounded) {
  const RetryPolicy policy{10, 1000ms, 60'000ms};
  EXPECT_EQ(retry_delay(policy, 1, 0.0, {}), 500ms);
  EXPECT_EQ(retry_delay(policy, 1, 0.5, {}), 750ms);
  EXPECT_EQ(retry_delay(policy, 4, 0.0, {}), 4000ms);
  EXPECT_EQ(retry_delay(policy, 4, 0.5, {}), 6000ms);
  EXPECT_EQ(retry_delay(policy, 2, 0.0, 5000ms), 5000ms) << "the server's word is the least";
  EXPECT_EQ(retry_delay(policy, 2, 0.0, 10ms), 1000ms);
  EXPECT_EQ(retry_delay(policy, 1, 0.0, 86'400'000ms), 60'000ms) << "but not without bound";
  for (unsigned attempt = 0; attempt < 100; ++attempt) {
    for (const double jitter : {0.0, 0.3, 0.999}) {
      const auto delay = retry_delay(policy, attempt, jitter, {});
      EXPECT_GE(delay, 500ms);
      EXPECT_LE(delay, 60'000ms);
    }
  }
}

/// Plays a list of answers.
class ScriptedSession : public HttpSession {
 public:
  explicit ScriptedSession(std::deque<Result<HttpResponse>> answers)
      : answers_(std::move(answers)) {}
  Result<HttpResponse> send(const HttpRequest&, const CancelToken&, const BodySink&) override {
    KILN_CHECK(!answers_.empty());
    auto answer = std::move(answers_.front());
    answers_.pop_front();
    return answer;
  }
  [[nodiscard]] std::size_t left() const { return answers_.size(); }

 private:
  std::deque<Result<HttpResponse>> answers_;
};

const RetryPolicy kQuick{4, 1ms, 2ms};

Result<Exchange> play(ScriptedSession& session, const CancelToken& cancel = {}) {
  return send_with_retry(
      session, [] { return Result<HttpRequest>(HttpRequest{}); }, kQuick, cancel);
}

TEST(RetryTest, EndsWithTheFirstFinalAnswer) {
  ScriptedSession session({HttpResponse{503, {}, ""},
                           Error(ErrorKind::kRemote, "Http:Interrupted", "reset"),
                           HttpResponse{201, {}, ""},
                           HttpResponse{500, {}, ""}});
  const auto exchange = play(session);
  ASSERT_OK(exchange);
  EXPECT_EQ(exchange->response.status, 201);
  EXPECT_EQ(exchange->attempts, 3U);
  EXPECT_EQ(session.left(), 1U);
}

TEST(RetryTest, GivesUpWithTheLastAnswer) {
  ScriptedSession session(std::deque<Result<HttpResponse>>(9, HttpResponse{503, {}, ""}));
  const auto exchange = play(session);
  ASSERT_OK(exchange);
  EXPECT_EQ(exchange->response.status, 503);
  EXPECT_EQ(exchange->attempts, kQuick.attempts);
}

TEST(RetryTest, FinalFailuresAreNotRepeated) {
  ScriptedSession session({Error(ErrorKind::kRemote, "Http:Tls", "no"), HttpResponse{200, {}, ""}});
  EXPECT_THAT(play(session), FailsWith("Http:Tls"));
  EXPECT_EQ(session.left(), 1U);
}

TEST(RetryTest, CancellationEndsTheWait) {
  CancelSource source;
  source.request();
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(wait_for(1min, source.token()), FailsWith("Run:Cancelled"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
}

}  // namespace
}  // namespace kiln::test
