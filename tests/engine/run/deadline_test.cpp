#include "engine/run/deadline.h"

#include <thread>

#include <gtest/gtest.h>

namespace kiln {
namespace {

using std::chrono::milliseconds;

template <class Condition>
bool soon(Condition&& condition) {
  for (int i = 0; i < 500 && !condition(); ++i) std::this_thread::sleep_for(milliseconds(10));
  return condition();
}

TEST(Deadline, CancelsWhenTimeIsUpAndSaysSo) {
  const Deadline deadline({}, milliseconds(20));
  EXPECT_TRUE(soon([&] { return deadline.token().requested(); }));
  const auto error = deadline.explain(cancelled());
  EXPECT_EQ(error.kind(), ErrorKind::kTimeout);
  EXPECT_NE(error.cure().find("buildTimeoutInMinutes"), std::string::npos);
}

TEST(Deadline, KeepsWhatWasBeingDoneAndWhatWasQuoted) {
  const Deadline deadline({}, milliseconds(1));
  EXPECT_TRUE(soon([&] { return deadline.token().requested(); }));
  const auto error = deadline.explain(
      cancelled().quoting({"Booting from Hard Disk..."}).while_doing("booting").while_doing("all"));
  EXPECT_EQ(error.code(), "Run:BuildTimeout");
  EXPECT_EQ(error.quoted(), std::vector<std::string>{"Booting from Hard Disk..."});
  EXPECT_EQ(error.context(), (std::vector<std::string>{"booting", "all"}));
}

TEST(Deadline, PassesTheUsersWishOnAndCallsItCancelled) {
  CancelSource user;
  const Deadline deadline(user.token(), std::chrono::hours(1));
  EXPECT_FALSE(deadline.token().requested());
  user.request();
  EXPECT_TRUE(deadline.token().requested());
  EXPECT_EQ(deadline.explain(cancelled()).kind(), ErrorKind::kCancelled);
}

TEST(Deadline, LeavesOtherErrorsAsTheyAre) {
  const Deadline deadline({}, milliseconds(1));
  EXPECT_TRUE(soon([&] { return deadline.token().requested(); }));
  EXPECT_EQ(deadline.explain({ErrorKind::kIo, "File:Open", "no"}).code(), "File:Open");
}

TEST(Deadline, EndsAtOnceWhenTheRunIsOver) {
  const auto start = std::chrono::steady_clock::now();
  { const Deadline deadline({}, std::chrono::hours(1)); }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

}  // namespace
}  // namespace kiln
