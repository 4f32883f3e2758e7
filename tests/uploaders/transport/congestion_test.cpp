#include "uploaders/transport/congestion.h"

#include <thread>
#include <vector>

#include "tests/support/matchers.h"

namespace kiln::test {
namespace {

using namespace std::chrono_literals;

TEST(CongestionTest, WhatSaysThatItIsTooMuch) {
  for (const int status : {408, 429, 500, 503, 504}) {
    EXPECT_EQ(judge_load(HttpResponse{status, {}, ""}), Load::kTooMuch) << status;
  }
  EXPECT_EQ(judge_load(HttpResponse{201, {}, ""}), Load::kBearable);
  EXPECT_EQ(judge_load(HttpResponse{403, {}, ""}), Load::kUnknown);
  EXPECT_EQ(judge_load(Error(ErrorKind::kTimeout, "Http:Stalled", "")), Load::kTooMuch);
  EXPECT_EQ(judge_load(Error(ErrorKind::kRemote, "Http:Interrupted", "")), Load::kUnknown);
}

TEST(CongestionTest, DoublesUntilTroubleThenGrowsByOneARound) {
  CongestionLimit limit(32);
  EXPECT_EQ(limit.value(), 4U);
  for (int i = 0; i < 4; ++i) limit.grow();
  EXPECT_EQ(limit.value(), 8U) << "a round of four successes";
  for (int i = 0; i < 100; ++i) limit.grow();
  EXPECT_EQ(limit.value(), 32U) << "never above the most";
  limit.shrink();
  EXPECT_EQ(limit.value(), 16U);
  for (int i = 0; i < 17; ++i) limit.grow();
  EXPECT_EQ(limit.value(), 17U);
  for (int i = 0; i < 9; ++i) limit.shrink();
  EXPECT_EQ(limit.value(), 1U) << "never none";
  for (int i = 0; i < 2; ++i) limit.grow();
  EXPECT_EQ(limit.value(), 2U) << "and back from there";
}

std::vector<CongestionGate::Pass> enter(CongestionGate& gate, unsigned count) {
  std::vector<CongestionGate::Pass> passes;
  for (unsigned i = 0; i < count; ++i) passes.push_back(gate.enter({}).value());
  return passes;
}

TEST(CongestionTest, TroubleThatSeveralMeetAtOnceCountsOnce) {
  CongestionGate gate(4);
  auto passes = enter(gate, 4);
  for (auto& pass : passes) pass.end(Load::kTooMuch, {});
  EXPECT_EQ(gate.limit(), 2U);
  passes = enter(gate, 1);
  passes.front().end(Load::kTooMuch, {});
  EXPECT_EQ(gate.limit(), 1U) << "this one began after it";
}

TEST(CongestionTest, WhoeverFindsNoRoomWaitsForIt) {
  CongestionGate gate(1);
  auto first = enter(gate, 1);
  std::atomic<bool> entered = false;
  std::jthread second([&] {
    auto pass = gate.enter({});
    entered = pass.has_value();
  });
  std::this_thread::sleep_for(50ms);
  EXPECT_FALSE(entered);
  first.clear();
  second.join();
  EXPECT_TRUE(entered);
}

TEST(CongestionTest, APauseHoldsForAll) {
  CongestionGate gate(4);
  auto passes = enter(gate, 2);
  const auto start = std::chrono::steady_clock::now();
  passes.front().end(Load::kTooMuch, 200ms);
  const auto pass = gate.enter({});
  ASSERT_OK(pass);
  EXPECT_GE(std::chrono::steady_clock::now() - start, 200ms);
}

TEST(CongestionTest, CancellationEndsTheWait) {
  CongestionGate gate(1);
  const auto pass = enter(gate, 1);
  CancelSource cancel;
  std::jthread canceller([&] {
    std::this_thread::sleep_for(20ms);
    cancel.request();
  });
  EXPECT_THAT(gate.enter(cancel.token()), FailsWith("Run:Cancelled"));
}

}  // namespace
}  // namespace kiln::test
