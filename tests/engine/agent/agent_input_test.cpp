// Commands that read: from a stream of any length, and from a terminal of their own.
#include <csignal>
#include <fcntl.h>
#include <thread>

#include "engine/agent/frame.h"
#include "engine/agent/messages.h"
#include "engine/agent/protocol.h"
#include "engine/core/bytes.h"
#include "tests/engine/agent/real_agent.h"

namespace kiln {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class AgentInput : public test::AgentTest, public ::testing::WithParamInterface<bool> {
 protected:
  void SetUp() override {
    AgentTest::SetUp();
    if (!GetParam()) start({"--no-pid-namespace"});
    ::signal(SIGPIPE, SIG_IGN);  // a feeder may outlive who reads
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    read_end_.reset(ends[0]);
    write_end_.reset(ends[1]);
  }

  Result<test::Captured> shell_with_input(const std::string& script,
                                          std::function<GuestTerminalSize()> terminal = {},
                                          const CancelToken& cancel = {}) {
    GuestCommand command{{"/bin/sh", "-c", script}, {}, "/root", {}};
    command.input = GuestInput{read_end_.get(), std::move(terminal)};
    return run(command, cancel);
  }
  /// Writes from another thread, then closes.
  std::jthread feed(std::string text) {
    return std::jthread([this, text = std::move(text)] {
      std::string_view rest = text;
      while (!rest.empty()) {
        const auto sent = ::write(write_end_.get(), rest.data(), rest.size());
        if (sent <= 0) break;
        rest.remove_prefix(static_cast<std::size_t>(sent));
      }
      write_end_.reset();
    });
  }
  static GuestTerminalSize small() { return {33, 77}; }

  UniqueFd read_end_;
  UniqueFd write_end_;
};

INSTANTIATE_TEST_SUITE_P(Namespaces, AgentInput, ::testing::Bool(), [](const auto& tested) {
  return tested.param ? "PidNamespace" : "Subreaper";
});

TEST_P(AgentInput, AStreamArrivesWholeAndEnds) {
  const auto feeder = feed(std::string(3 * kMiB, 'x'));
  const auto result = shell_with_input("wc -c; exit 7");
  ASSERT_OK(result);
  EXPECT_EQ(result->out, "3145728\n");
  EXPECT_EQ(result->exit.code, 7);
}

TEST_P(AgentInput, ACommandThatReadsNothingHoldsNobodyUp) {
  const auto feeder = feed(std::string(3 * kMiB, 'x'));
  const auto result = shell_with_input("exec <&-; echo done");
  read_end_.reset();  // lets the feeder end
  ASSERT_OK(result);
  EXPECT_EQ(result->out, "done\n");
}

TEST_P(AgentInput, ASlowReaderIsCancelledAllTheSame) {
  const auto feeder = feed(std::string(3 * kMiB, 'x'));
  CancelSource source;
  const std::jthread clock([&] {
    std::this_thread::sleep_for(300ms);
    source.request();
  });
  const auto result = shell_with_input("sleep 60", {}, source.token());
  read_end_.reset();
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind(), ErrorKind::kCancelled);
  EXPECT_OK(shell("true"));  // the agent goes on
}

TEST_P(AgentInput, ATerminalHasASizeAndBothOutputs) {
  const auto result = shell_with_input("tty -s && stty size; echo to err >&2", small);
  ASSERT_OK(result);
  EXPECT_EQ(result->out, "33 77\r\nto err\r\n");
  EXPECT_EQ(result->err, "");
}

TEST_P(AgentInput, ATerminalSendsItsInterruptToTheCommandOnly) {
  GuestCommand command{
      {"/bin/sh", "-c", "trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 0.1; done"},
      {},
      "/root",
      {}};
  command.input = GuestInput{read_end_.get(), small};
  std::string out;
  const auto type_when_ready = [&](GuestStream, std::string_view data) {
    out += data;
    if (out == "ready\r\n") {
      ASSERT_EQ(::write(write_end_.get(), "\x03", 1), 1);
    }
  };
  const auto exit = agent_->run(command, type_when_ready, {});
  ASSERT_OK(exit);
  EXPECT_THAT(out, HasSubstr("caught"));
  EXPECT_EQ(exit->code, 5);
  EXPECT_OK(shell("true"));
}

TEST_P(AgentInput, TheEndOfTheInputReachesATerminalAsAPersonTypesIt) {
  const auto feeder = feed("one\n");
  const auto result = shell_with_input("stty -echo; cat; echo ended", small);
  ASSERT_OK(result);
  EXPECT_THAT(result->out, HasSubstr("one\r\n"));
  EXPECT_THAT(result->out, HasSubstr("ended\r\n"));
}

TEST_P(AgentInput, ATerminalFollowsItsNewSize) {
  std::atomic<int> asked = 0;
  const auto growing = [&asked] {
    return ++asked > 3 ? GuestTerminalSize{50, 132} : GuestTerminalSize{24, 80};
  };
  const auto result = shell_with_input(
      "for i in $(seq 100); do [ \"$(stty size)\" = '50 132' ] && echo grown && exit; sleep 0.05; "
      "done",
      growing);
  ASSERT_OK(result);
  EXPECT_EQ(result->out, "grown\r\n");
}

TEST_P(AgentInput, MuchOutputOfATerminalArrivesWhole) {
  const auto result = shell_with_input("seq 100000; printf end", small);
  ASSERT_OK(result);
  EXPECT_THAT(result->out, HasSubstr("\r\n99999\r\n100000\r\nend"));
}

/// The agent trusts its host no more than the host trusts it.
class AgentInputRules : public test::AgentTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "the agent runs as root";
    process_ = std::make_unique<test::RealAgent>();
    socket_ = process_->take_socket();
  }
  void send(agent::FrameType type, std::string_view payload) {
    const auto frame = agent::encode_frame(type, 1, payload);
    ASSERT_EQ(::write(socket_.get(), frame.data(), frame.size()),
              static_cast<ssize_t>(frame.size()));
  }
  void run(agent::InputKind input) {
    send(agent::FrameType::kRun, encode(agent::RunRequest{{"sleep", "60"}, {}, "/", 0, input}));
  }
  UniqueFd socket_;
};

TEST_F(AgentInputRules, InputThatWasNotAnnouncedEndsTheSession) {
  run(agent::InputKind::kNone);
  send(agent::FrameType::kInput, "x");
  EXPECT_EQ(process_->wait_for_end(), 1);
}

TEST_F(AgentInputRules, MoreThanTheWindowEndsTheSession) {
  run(agent::InputKind::kPipe);
  const auto frame =
      agent::encode_frame(agent::FrameType::kInput, 1, std::string(agent::kInputWindow, 'x'));
  for (int i = 0; i < 4; ++i) {  // a pipe takes one window, the agent another
    // It may have ended the session before the last of them.
    ::send(socket_.get(), frame.data(), frame.size(), MSG_NOSIGNAL);
  }
  EXPECT_EQ(process_->wait_for_end(), 1);
}

TEST_F(AgentInputRules, ASizeForNoTerminalEndsTheSession) {
  run(agent::InputKind::kPipe);
  send(agent::FrameType::kResize, encode(agent::TerminalSize{24, 80}));
  EXPECT_EQ(process_->wait_for_end(), 1);
}

TEST_F(AgentInputRules, InputAfterItsEndEndsTheSession) {
  run(agent::InputKind::kPipe);
  send(agent::FrameType::kInputEnd, "");
  send(agent::FrameType::kInput, "x");
  EXPECT_EQ(process_->wait_for_end(), 1);
}

}  // namespace
}  // namespace kiln
