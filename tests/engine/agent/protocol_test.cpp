#include "engine/agent/protocol.h"

#include <gtest/gtest.h>

namespace kiln::agent {
namespace {

using Verdict = RequestOrder::Verdict;

TEST(RequestOrder, AcceptsOneRequestAfterAnother) {
  RequestOrder order;
  EXPECT_EQ(order.admit(FrameType::kRun, 1), Verdict::kAccept);
  EXPECT_EQ(order.admit(FrameType::kCancel, 1), Verdict::kAccept);
  order.finished();
  EXPECT_EQ(order.admit(FrameType::kPut, 2), Verdict::kAccept);
  EXPECT_EQ(order.admit(FrameType::kPutData, 2), Verdict::kAccept);
  EXPECT_EQ(order.admit(FrameType::kPutEnd, 2), Verdict::kAccept);
  order.finished();
  EXPECT_EQ(order.admit(FrameType::kGet, 9), Verdict::kAccept) << "ids may skip";
  order.finished();
  EXPECT_EQ(order.admit(FrameType::kQuit, 10), Verdict::kAccept);
}

TEST(RequestOrder, DropsWhatCrossedTheFinalAnswer) {
  RequestOrder order;
  EXPECT_EQ(order.admit(FrameType::kPut, 1), Verdict::kAccept);
  order.finished();  // the disk was full
  EXPECT_EQ(order.admit(FrameType::kPutData, 1), Verdict::kStale);
  EXPECT_EQ(order.admit(FrameType::kPutEnd, 1), Verdict::kStale);
  EXPECT_EQ(order.admit(FrameType::kRun, 2), Verdict::kAccept);
  EXPECT_EQ(order.admit(FrameType::kCancel, 1), Verdict::kStale);
}

TEST(RequestOrder, RefusesTwoRequestsAtOnceAndOldIds) {
  RequestOrder order;
  EXPECT_EQ(order.admit(FrameType::kRun, 0), Verdict::kViolation);
  EXPECT_EQ(order.admit(FrameType::kRun, 5), Verdict::kAccept);
  EXPECT_EQ(order.admit(FrameType::kGet, 6), Verdict::kViolation);
  order.finished();
  EXPECT_EQ(order.admit(FrameType::kRun, 5), Verdict::kViolation);
  EXPECT_EQ(order.admit(FrameType::kRun, 4), Verdict::kViolation);
}

TEST(RequestOrder, LetsQuitAndPingInterrupt) {
  RequestOrder order;
  EXPECT_EQ(order.admit(FrameType::kPing, 0), Verdict::kAccept);
  EXPECT_EQ(order.admit(FrameType::kRun, 1), Verdict::kAccept);
  EXPECT_EQ(order.admit(FrameType::kPing, 0), Verdict::kAccept);
  EXPECT_EQ(order.admit(FrameType::kPing, 1), Verdict::kViolation);
  EXPECT_EQ(order.admit(FrameType::kQuit, 2), Verdict::kAccept);
}

TEST(RequestOrder, InputBelongsToARun) {
  RequestOrder order;
  EXPECT_EQ(order.admit(FrameType::kInput, 1), Verdict::kViolation);
  EXPECT_EQ(order.admit(FrameType::kRun, 1), Verdict::kAccept);
  for (const auto type : {FrameType::kInput, FrameType::kInputEnd, FrameType::kResize}) {
    EXPECT_EQ(order.admit(type, 1), Verdict::kAccept);
    EXPECT_EQ(order.admit(type, 2), Verdict::kViolation);
  }
  order.finished();
  EXPECT_EQ(order.admit(FrameType::kInput, 1), Verdict::kStale);
  EXPECT_EQ(order.admit(FrameType::kPut, 2), Verdict::kAccept);
  EXPECT_EQ(order.admit(FrameType::kInput, 2), Verdict::kViolation);
}

TEST(RequestOrder, AThawBelongsToAFreeze) {
  RequestOrder order;
  EXPECT_EQ(order.admit(FrameType::kSetClock, 1), Verdict::kAccept);
  EXPECT_EQ(order.admit(FrameType::kThaw, 1), Verdict::kViolation);
  order.finished();
  EXPECT_EQ(order.admit(FrameType::kFreeze, 2), Verdict::kAccept);
  EXPECT_EQ(order.admit(FrameType::kThaw, 2), Verdict::kAccept);
  order.finished();  // its time was over
  EXPECT_EQ(order.admit(FrameType::kThaw, 2), Verdict::kStale);
}

TEST(RequestOrder, RefusesDataThatIsNotAsked) {
  RequestOrder order;
  EXPECT_EQ(order.admit(FrameType::kPutData, 1), Verdict::kViolation);
  EXPECT_EQ(order.admit(FrameType::kCancel, 0), Verdict::kViolation);
  EXPECT_EQ(order.admit(FrameType::kRun, 1), Verdict::kAccept);
  EXPECT_EQ(order.admit(FrameType::kPutData, 1), Verdict::kViolation);
  EXPECT_EQ(order.admit(FrameType::kCancel, 2), Verdict::kViolation);
}

TEST(RequestOrder, KnowsNoStreams) {
  for (const auto type : {FrameType::kStreamOpen,
                          FrameType::kStreamData,
                          FrameType::kStreamTaken,
                          FrameType::kStreamEnd,
                          FrameType::kStreamReset}) {
    RequestOrder order;
    EXPECT_EQ(order.admit(type, 1), Verdict::kViolation);
  }
}

TEST(RequestOrder, RefusesTheAgentsOwnFrames) {
  for (int type = 0; type < 32; ++type) {
    RequestOrder order;
    EXPECT_EQ(order.admit(static_cast<FrameType>(type), 1), Verdict::kViolation) << type;
  }
}

TEST(Answers, FitTheirRequests) {
  EXPECT_TRUE(is_answer(FrameType::kRun, FrameType::kStdout));
  EXPECT_TRUE(is_answer(FrameType::kRun, FrameType::kExit));
  EXPECT_TRUE(is_answer(FrameType::kRun, FrameType::kError));
  EXPECT_FALSE(is_answer(FrameType::kRun, FrameType::kDone));
  EXPECT_FALSE(is_answer(FrameType::kRun, FrameType::kData));
  EXPECT_TRUE(is_answer(FrameType::kGet, FrameType::kData));
  EXPECT_FALSE(is_answer(FrameType::kPut, FrameType::kData));
  EXPECT_TRUE(is_answer(FrameType::kRemove, FrameType::kRemoved));
  EXPECT_FALSE(is_answer(FrameType::kGet, FrameType::kRemoved));
  EXPECT_TRUE(is_answer(FrameType::kQuit, FrameType::kDone));
  EXPECT_FALSE(is_answer(FrameType::kQuit, FrameType::kError));
  EXPECT_FALSE(is_answer(FrameType::kRun, FrameType::kHello));
  EXPECT_TRUE(is_answer(FrameType::kFreeze, FrameType::kFrozen));
  EXPECT_FALSE(is_answer(FrameType::kPut, FrameType::kFrozen));
  EXPECT_TRUE(is_answer(FrameType::kSetClock, FrameType::kDone));
  EXPECT_FALSE(is_answer(FrameType::kRun, FrameType::kRun));
}

}  // namespace
}  // namespace kiln::agent
