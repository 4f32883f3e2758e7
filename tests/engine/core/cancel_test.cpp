#include "engine/core/cancel.h"

#include <poll.h>
#include <thread>

#include "tests/support/matchers.h"

namespace kiln {
namespace {

bool readable(int fd, int wait = 0) {
  pollfd entry{fd, POLLIN, 0};
  return ::poll(&entry, 1, wait) == 1;
}

TEST(CancelToken, ADefaultOneIsNeverCancelled) {
  const CancelToken token;
  EXPECT_FALSE(token.requested());
  EXPECT_EQ(token.fd(), -1);
  EXPECT_OK(token.check());
}

TEST(CancelToken, CopiesShareTheRequestAndStayReadable) {
  CancelSource source;
  const CancelToken copy = source.token();
  EXPECT_FALSE(copy.requested());
  EXPECT_FALSE(readable(copy.fd()));
  source.request();
  source.request();
  EXPECT_TRUE(copy.requested());
  EXPECT_TRUE(readable(copy.fd()));
  EXPECT_TRUE(readable(copy.fd()));
  EXPECT_THAT(copy.check(), test::FailsWith("Run:Cancelled"));
  EXPECT_EQ(copy.check().error().kind(), ErrorKind::kCancelled);
}

TEST(CancelToken, OutlivesItsSource) {
  auto source = std::make_unique<CancelSource>();
  const CancelToken token = source->token();
  source->request();
  source.reset();
  EXPECT_TRUE(token.requested());
  EXPECT_TRUE(readable(token.fd()));
}

TEST(CancelToken, WakesAPollInAnotherThread) {
  CancelSource source;
  bool woken = false;
  {
    const std::jthread waiter([&] { woken = readable(source.token().fd(), 10'000); });
    source.request();
  }
  EXPECT_TRUE(woken);
}

}  // namespace
}  // namespace kiln
