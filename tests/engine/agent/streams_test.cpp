#include "engine/agent/streams.h"

#include <sys/socket.h>
#include <vector>

#include <gtest/gtest.h>

#include "engine/agent/messages.h"

namespace kiln::agent {
namespace {

/// Streams with one connection of number 1, whose other end is `peer_`.
class StreamsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    streams_.add(1, UniqueFd(ends[0]));
    peer_.reset(ends[1]);
  }
  void turn(bool may_read = true) {
    std::vector<pollfd> polled;
    streams_.watch(polled, may_read);
    ASSERT_GE(::poll(polled.data(), polled.size(), 0), 0);
    streams_.advance(polled);
  }
  bool take(FrameType type, std::string payload = {}) {
    return streams_.take({type, 1, std::move(payload)});
  }

  std::vector<Frame> sent_;
  Streams streams_{[this](FrameType type, std::uint32_t stream, std::string_view payload) {
    sent_.push_back({type, stream, std::string(payload)});
  }};
  UniqueFd peer_;
};

TEST_F(StreamsTest, SendAWindowAndNoMore) {
  const std::string much(2 * kInputWindow, 'x');
  ASSERT_GT(::send(peer_.get(), much.data(), much.size(), MSG_DONTWAIT), 0);
  for (int i = 0; i < 10; ++i) turn();
  std::size_t size = 0;
  for (const auto& frame : sent_) size += frame.payload.size();
  EXPECT_EQ(size, kInputWindow);
  EXPECT_TRUE(take(FrameType::kStreamTaken, encode(InputTaken{10})));
  turn();
  EXPECT_EQ(sent_.back().payload.size(), 10U);
}

TEST_F(StreamsTest, RefuseMoreThanAWindow) {
  EXPECT_TRUE(take(FrameType::kStreamData, std::string(kInputWindow, 'x')));
  EXPECT_FALSE(take(FrameType::kStreamData, "x"));
}

TEST_F(StreamsTest, RefuseMoreTakenThanSent) {
  EXPECT_FALSE(take(FrameType::kStreamTaken, encode(InputTaken{1})));
  EXPECT_FALSE(take(FrameType::kStreamTaken, "?"));
}

TEST_F(StreamsTest, RefuseDataAfterTheEnd) {
  EXPECT_TRUE(take(FrameType::kStreamEnd));
  EXPECT_FALSE(take(FrameType::kStreamData, "x"));
  EXPECT_FALSE(take(FrameType::kStreamEnd));
}

TEST_F(StreamsTest, ReadNothingWhileNothingGetsAway) {
  ASSERT_EQ(::send(peer_.get(), "x", 1, 0), 1);
  turn(/*may_read=*/false);
  EXPECT_TRUE(sent_.empty());
  turn();
  EXPECT_EQ(sent_.size(), 1U);
}

TEST_F(StreamsTest, EndWhenBothEndsHaveEnded) {
  ::shutdown(peer_.get(), SHUT_WR);
  turn();
  ASSERT_EQ(sent_.size(), 1U);
  EXPECT_EQ(sent_[0].type, FrameType::kStreamEnd);
  EXPECT_TRUE(take(FrameType::kStreamEnd));
  turn();
  turn();
  char byte = 0;
  EXPECT_EQ(::recv(peer_.get(), &byte, 1, MSG_DONTWAIT), 0);
  EXPECT_TRUE(take(FrameType::kStreamData, "late")) << "it is forgotten";
}

TEST_F(StreamsTest, ResetOneThatIsGone) {
  peer_.reset();
  EXPECT_TRUE(take(FrameType::kStreamData, "x"));
  turn();
  ASSERT_FALSE(sent_.empty());
  EXPECT_EQ(sent_.back().type, FrameType::kStreamReset);
}

}  // namespace
}  // namespace kiln::agent
