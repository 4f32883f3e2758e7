#include "uploaders/auth/bearer_tokens.h"

#include <atomic>
#include <latch>
#include <set>
#include <thread>
#include <vector>

#include "tests/support/matchers.h"

namespace kiln {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using test::FailsWith;

/// Issues token-1, token-2, …, or fails while it is told to.
class CountingSource : public TokenSource {
 public:
  [[nodiscard]] const std::string& origin() const override { return origin_; }
  Result<AccessToken> request(const std::string& audience, const CancelToken& cancel) override {
    KILN_TRY(cancel.check());
    ++requests;
    audiences.insert(audience);
    if (pause.count() > 0) std::this_thread::sleep_for(pause);
    if (failing) return fail(ErrorKind::kRemote, "Auth:Down", "no answer");
    return AccessToken{Secret("token-" + std::to_string(requests)), now + life};
  }

  std::atomic<int> requests = 0;
  std::set<std::string> audiences;
  std::chrono::milliseconds pause{0};
  bool failing = false;
  std::chrono::system_clock::time_point now{std::chrono::hours(1'000'000)};
  seconds life{3600};

 private:
  std::string origin_ = "the test";
};

class BearerTokensTest : public ::testing::Test {
 protected:
  std::string token() {
    auto got = tokens_.value({});
    return got ? got->reveal() : got.error().code();
  }

  CountingSource source_;
  Redactor redactor_;
  BearerTokens tokens_{
      source_, "https://storage.azure.com", redactor_, [this] { return source_.now; }};
};

TEST_F(BearerTokensTest, KeepsATokenUntilShortlyBeforeItExpires) {
  EXPECT_EQ(token(), "token-1");
  source_.now += minutes(54);
  EXPECT_EQ(token(), "token-1");
  source_.now += minutes(2);
  EXPECT_EQ(token(), "token-2");
  EXPECT_EQ(source_.audiences, std::set<std::string>{"https://storage.azure.com"});
  EXPECT_EQ(redactor_.redact("token-1 token-2"), "*** ***");
}

TEST_F(BearerTokensTest, RenewsShortLivedTokensAtHalfOfTheirLife) {
  source_.life = minutes(4);
  EXPECT_EQ(token(), "token-1");
  source_.now += seconds(119);
  EXPECT_EQ(token(), "token-1");
  source_.now += seconds(2);
  EXPECT_EQ(token(), "token-2");
}

TEST_F(BearerTokensTest, UsesWhatIsStillValidWhileTheIssuerFails) {
  EXPECT_EQ(token(), "token-1");
  source_.failing = true;
  source_.now += minutes(56);
  EXPECT_EQ(token(), "token-1");
  EXPECT_EQ(token(), "token-1");
  EXPECT_EQ(source_.requests, 2) << "an issuer that failed just now is left alone";
  source_.now += seconds(20);
  source_.failing = false;
  EXPECT_EQ(token(), "token-3") << "asked again after a pause";
}

TEST_F(BearerTokensTest, FailsWhenNothingIsValidAndRecovers) {
  source_.failing = true;
  EXPECT_EQ(token(), "Auth:Down");
  EXPECT_EQ(token(), "Auth:Down");
  EXPECT_EQ(source_.requests, 1);
  source_.failing = false;
  source_.now += seconds(16);
  EXPECT_EQ(token(), "token-2");
}

TEST_F(BearerTokensTest, ReplacesARefusedTokenOnce) {
  const auto first = tokens_.value({});
  ASSERT_OK(first);
  EXPECT_OK(tokens_.renew(*first, {}));
  EXPECT_EQ(token(), "token-2");
  EXPECT_OK(tokens_.renew(*first, {}));  // a slower request that was sent with the old one
  EXPECT_EQ(token(), "token-2");
  EXPECT_EQ(source_.requests, 2);
}

TEST_F(BearerTokensTest, ACancelledRequestIsNoFailureOfTheIssuer) {
  CancelSource cancel;
  cancel.request();
  EXPECT_THAT(tokens_.value(cancel.token()), FailsWith("Run:Cancelled"));
  EXPECT_EQ(token(), "token-1");
}

TEST_F(BearerTokensTest, ManyThreadsMakeOneRequest) {
  source_.pause = std::chrono::milliseconds(100);
  constexpr int kThreads = 16;
  std::latch ready(kThreads);
  std::vector<std::string> got(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        ready.arrive_and_wait();
        got[static_cast<std::size_t>(i)] = token();
      });
    }
  }
  EXPECT_EQ(source_.requests, 1);
  EXPECT_EQ(std::set<std::string>(got.begin(), got.end()), std::set<std::string>{"token-1"});
}

}  // namespace
}  // namespace kiln
