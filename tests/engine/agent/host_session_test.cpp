#include "engine/agent/host_session.h"

#include <functional>
#include <sys/socket.h>
#include <thread>

#include "engine/agent/frame.h"
#include "engine/agent/messages.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

using namespace std::chrono_literals;
using agent::Frame;
using agent::FrameType;
using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;

/// The other end of the socket, speaking frames by hand: what a hostile guest could send.
class Peer {
 public:
  explicit Peer(int fd) : socket_(fd) {}
  /// Whether the host has closed shows in `receive`, not here.
  void send_bytes(std::string_view bytes) const {
    [[maybe_unused]] const auto sent =
        ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  void send(FrameType type, std::uint32_t request, std::string_view payload = {}) const {
    send_bytes(encode_frame(type, request, payload));
  }
  void hello(std::uint8_t protocol = agent::kProtocolVersion,
             std::uint32_t capabilities = 0) const {
    send(FrameType::kHello, 0, encode(agent::Hello{protocol, "test", capabilities}));
  }
  /// The next frame from the host; type kHello at the end of the connection.
  Frame receive() {
    Frame frame;
    for (;;) {
      std::string_view data = received_;
      const auto status = decoder_.feed(data, frame);
      received_.erase(0, received_.size() - data.size());
      if (status == agent::FrameDecoder::Status::kFrame) return frame;
      char piece[4096];
      const auto got = ::read(socket_.get(), piece, sizeof piece);
      if (got <= 0) return {FrameType::kHello, 0, {}};
      received_.append(piece, static_cast<std::size_t>(got));
    }
  }
  void close() { socket_.reset(); }

 private:
  UniqueFd socket_;
  agent::FrameDecoder decoder_;
  std::string received_;
};

class HostSession : public ::testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    host_socket_.reset(ends[0]);
    peer_.emplace(ends[1]);
  }
  Result<std::unique_ptr<GuestAgent>> connect(PortUse use = PortUse::kAgentOnly) {
    AgentPatience patience{.hello = 300ms,
                           .before_ping = 100ms,
                           .for_pong = 300ms,
                           .for_cancel = 200ms,
                           .beyond_limit = 200ms};
    return connect_agent(std::move(host_socket_), patience, source_.token(), use);
  }
  void connect_well() {
    peer_->hello();
    auto connected = connect();
    ASSERT_OK(connected);
    agent_ = *std::move(connected);
  }
  Result<GuestExit> run(std::optional<std::chrono::milliseconds> limit = {}) {
    return agent_->run(
        {{"true"}, {}, "/", limit},
        [this](GuestStream, std::string_view data) { output_.append(data); },
        source_.token());
  }
  /// Runs with `peer` answering from a thread of its own.
  Result<GuestExit> run_against(const std::function<void(Peer&)>& peer) {
    std::thread thread([&] { peer(*peer_); });
    auto result = run();
    thread.join();
    return result;
  }

  UniqueFd host_socket_;
  std::optional<Peer> peer_;
  CancelSource source_;
  std::unique_ptr<GuestAgent> agent_;
  std::string output_;
};

TEST_F(HostSession, SendsWhatWasAskedFor) {
  connect_well();
  std::optional<agent::RunRequest> seen;
  const auto result = run_against([&](Peer& peer) {
    const auto frame = peer.receive();
    EXPECT_EQ(frame.type, FrameType::kRun);
    seen = agent::decode_run(frame.payload);
    peer.send(FrameType::kStdout, frame.request, "out");
    peer.send(FrameType::kExit, frame.request, encode(agent::ExitReport{{}, 3}));
  });
  ASSERT_OK(result);
  EXPECT_EQ(result->code, 3);
  EXPECT_EQ(output_, "out");
  ASSERT_TRUE(seen);
  EXPECT_THAT(seen->argv, ::testing::ElementsAre("true"));
  EXPECT_EQ(seen->time_limit_milliseconds, 0U);
}

TEST_F(HostSession, AllowsNoConnectionThatWasNotNamed) {
  connect_well();
  const auto result = run_against([](Peer& peer) {
    peer.receive();
    peer.send(FrameType::kStreamOpen, 1, encode(agent::StreamOpen{0}));
  });
  EXPECT_THAT(result, test::FailsWith("Agent:Protocol"));
}

TEST_F(HostSession, IsNotToldOfAFreezeTwiceOrNever) {
  for (const int times : {0, 2}) {
    SetUp();
    connect_well();
    int worked = 0;
    std::thread thread([&] {
      const auto request = peer_->receive().request;
      for (int i = 0; i < times; ++i) peer_->send(FrameType::kFrozen, request);
      peer_->send(FrameType::kDone, request);
    });
    const auto work = [&worked]() -> Result<void> {
      ++worked;
      return {};
    };
    EXPECT_THAT(agent_->freeze({"/"}, 1s, work, source_.token()),
                test::FailsWith("Agent:Protocol"));
    thread.join();
    EXPECT_EQ(worked, times / 2);
  }
}

TEST_F(HostSession, FailsWithoutAGreeting) {
  EXPECT_THAT(connect(), test::FailsWith("Agent:NoHello"));
}

TEST_F(HostSession, FailsWhenTheOtherEndClosesBeforeTheGreeting) {
  peer_->close();
  EXPECT_THAT(connect(), test::FailsWith("Agent:Lost"));
}

TEST_F(HostSession, CanBeCancelledWhileWaitingForTheGreeting) {
  source_.request();
  EXPECT_THAT(connect(), test::FailsWith("Run:Cancelled"));
}

TEST_F(HostSession, RefusesAnotherProtocolVersion) {
  peer_->hello(agent::kProtocolVersion + 1);
  EXPECT_THAT(connect(), test::FailsWith("Agent:VersionMismatch"));
}

TEST_F(HostSession, RefusesAnythingElseAsGreeting) {
  peer_->send(FrameType::kDone, 0);
  EXPECT_THAT(connect(), test::FailsWith("Agent:Protocol"));
}

TEST_F(HostSession, RefusesGarbageAsGreeting) {
  peer_->send_bytes("Debian GNU/Linux 12 localhost ttyS0\r\n\r\nlocalhost login: ");
  EXPECT_THAT(connect(), test::FailsWith("Agent:Protocol"));
}

/// UEFI takes every serial port for a console; its text may come cut anywhere.
TEST_F(HostSession, SkipsWhatFirmwareWroteBeforeTheGreeting) {
  const auto hello =
      encode_frame(FrameType::kHello, 0, encode(agent::Hello{agent::kProtocolVersion, "test", 0}));
  const auto bytes = "\x1b[2J BdsDxe: starting KILN, KILN or K" + hello;
  std::thread thread([&] {
    for (const char byte : bytes) peer_->send_bytes({&byte, 1});
  });
  auto connected = connect(PortUse::kFirmwareToo);
  thread.join();
  ASSERT_OK(connected);
  agent_ = *std::move(connected);
  std::thread peer([&] {
    const auto request = peer_->receive().request;
    peer_->send(FrameType::kExit, request, encode(agent::ExitReport{{}, 0}));
  });
  const auto exit = run();
  peer.join();
  ASSERT_OK(exit);
  EXPECT_TRUE(exit->ok());
}

TEST_F(HostSession, SkipsNothingOnAPortOfTheAgentsOwn) {
  peer_->send_bytes("text ");
  peer_->hello();
  EXPECT_THAT(connect(), test::FailsWith("Agent:Protocol"));
}

TEST_F(HostSession, AsksForAnAccountOnlyWhereThereAreSome) {
  GuestCommand command{{"cmd"}, {}, "/", {}};
  command.account = Account::kElevatedAdministrator;
  connect_well();
  EXPECT_THAT(agent_->run(command, {}, {}), test::FailsWith("Agent:NoAccounts"));
  SetUp();
  peer_->hello(agent::kProtocolVersion, agent::kCapabilityAccounts);
  auto connected = connect();
  ASSERT_OK(connected);
  std::thread guest([this] {
    const auto asked = peer_->receive();
    const auto run = agent::decode_run(asked.payload);
    EXPECT_TRUE(run && run->account == Account::kElevatedAdministrator);
    peer_->send(FrameType::kExit, asked.request, encode(agent::ExitReport{}));
  });
  EXPECT_OK((*connected)->run(command, {}, {}));
  guest.join();
}

struct Breach {
  const char* name;
  std::function<void(Peer&, std::uint32_t)> send;
};

class Breaches : public HostSession, public ::testing::WithParamInterface<Breach> {};

INSTANTIATE_TEST_SUITE_P(
    ,
    Breaches,
    ::testing::Values(
        Breach{"Garbage", [](Peer& p, std::uint32_t) { p.send_bytes(std::string(100, 'x')); }},
        Breach{"AnotherRequest",
               [](Peer& p, std::uint32_t id) { p.send(FrameType::kStdout, id + 1, "x"); }},
        Breach{"WrongKind", [](Peer& p, std::uint32_t id) { p.send(FrameType::kData, id, "x"); }},
        Breach{"SecondGreeting", [](Peer& p, std::uint32_t) { p.hello(); }},
        Breach{"PongWithoutPing", [](Peer& p, std::uint32_t) { p.send(FrameType::kPong, 0); }},
        Breach{"MalformedExit",
               [](Peer& p, std::uint32_t id) { p.send(FrameType::kExit, id, "xyz"); }},
        Breach{"MalformedError",
               [](Peer& p, std::uint32_t id) { p.send(FrameType::kError, id, "\x7f"); }},
        Breach{"UnaskedCancel",
               [](Peer& p, std::uint32_t id) {
                 p.send(FrameType::kExit,
                        id,
                        encode(agent::ExitReport{agent::ExitKind::kCancelled, 0}));
               }},
        Breach{"InputTakenThatWasNotGiven",
               [](Peer& p, std::uint32_t id) {
                 p.send(FrameType::kInputTaken, id, encode(agent::InputTaken{1}));
               }},
        Breach{"NoInputTaken",
               [](Peer& p, std::uint32_t id) {
                 p.send(FrameType::kInputTaken, id, encode(agent::InputTaken{0}));
               }},
        Breach{"AHostFrame", [](Peer& p, std::uint32_t id) { p.send(FrameType::kRun, id); }}),
    [](const auto& tested) { return tested.param.name; });

TEST_P(Breaches, EndTheSession) {
  connect_well();
  const auto result = run_against([](Peer& peer) {
    const auto request = peer.receive().request;
    GetParam().send(peer, request);
    EXPECT_EQ(peer.receive().type, FrameType::kHello) << "the host should have closed";
  });
  EXPECT_THAT(result, test::FailsWith("Agent:Protocol"));
  EXPECT_THAT(run(), test::FailsWith("Agent:Protocol")) << "no way back";
}

TEST_F(HostSession, RefusesMoreOfAFileThanAskedFor) {
  connect_well();
  std::thread thread([this] {
    const auto request = peer_->receive().request;
    peer_->send(FrameType::kData, request, "12345");
    peer_->send(FrameType::kData, request, "67890");
  });
  EXPECT_THAT(agent_->get("/file", 9, {}), test::FailsWith("Agent:Protocol"));
  thread.join();
}

TEST_F(HostSession, MakesGuestTextHarmlessInMessages) {
  connect_well();
  const auto result = run_against([](Peer& peer) {
    const auto request = peer.receive().request;
    const agent::ErrorReport report{agent::ErrorCode::kIo,
                                    "red \x1b[31m\n" + std::string(5000, 'x')};
    peer.send(FrameType::kError, request, encode(report));
  });
  EXPECT_THAT(result, test::FailsWith("Agent:Io"));
  EXPECT_THAT(result.error().message(), HasSubstr("red ?[31m?xxx"));
  EXPECT_LT(result.error().message().size(), 1100U);
}

TEST_F(HostSession, AsksForASignOfLifeAndGoesOnWhenItComes) {
  connect_well();
  int pings = 0;
  const auto result = run_against([&](Peer& peer) {
    const auto request = peer.receive().request;
    while (pings < 4 && peer.receive().type == FrameType::kPing) {
      ++pings;
      peer.send(FrameType::kPong, 0);
    }
    peer.send(FrameType::kExit, request, encode(agent::ExitReport{}));
  });
  ASSERT_OK(result);
  EXPECT_EQ(pings, 4);
}

TEST_F(HostSession, GivesUpOnASilentAgent) {
  connect_well();
  const auto start = Clock::now();
  EXPECT_THAT(run(), test::FailsWith("Agent:Silent"));
  EXPECT_GE(Clock::now() - start, 400ms);
  EXPECT_LT(Clock::now() - start, 3s);
}

TEST_F(HostSession, KeepsTheTimeLimitItselfInTheEnd) {
  connect_well();
  std::thread thread([this] {
    const auto request = peer_->receive().request;
    // Alive, but it does not stop.
    for (int i = 0; i < 40; ++i) {
      peer_->send(FrameType::kStdout, request, "still going\n");
      std::this_thread::sleep_for(10ms);
    }
  });
  const auto start = Clock::now();
  const auto result = run(100ms);
  const auto took = Clock::now() - start;
  thread.join();
  EXPECT_THAT(result, test::FailsWith("Agent:Overdue"));
  EXPECT_GE(took, 300ms);
}

TEST_F(HostSession, GivesUpOnAnAgentThatIgnoresACancel) {
  connect_well();
  std::thread canceller([this] {
    std::this_thread::sleep_for(50ms);
    source_.request();
  });
  const auto start = Clock::now();
  const auto result = run();
  canceller.join();
  EXPECT_THAT(result, test::FailsWith("Run:Cancelled"));
  ASSERT_EQ(result.error().also().size(), 1U);
  EXPECT_THAT(result.error().also()[0], HasSubstr("did not end it"));
  EXPECT_LT(Clock::now() - start, 3s);
}

TEST_F(HostSession, SendsTheCancelOnce) {
  connect_well();
  int cancels = 0;
  const auto result = run_against([&](Peer& peer) {
    const auto request = peer.receive().request;
    source_.request();
    EXPECT_EQ(peer.receive().type, FrameType::kCancel);
    ++cancels;
    peer.send(FrameType::kExit, request, encode(agent::ExitReport{agent::ExitKind::kCancelled, 0}));
  });
  EXPECT_THAT(result, test::FailsWith("Run:Cancelled"));
  EXPECT_EQ(cancels, 1);
}

TEST_F(HostSession, StopsSendingAFileThatIsRefused) {
  connect_well();
  std::uint64_t received = 0;
  std::thread thread([&] {
    const auto put = peer_->receive();
    EXPECT_EQ(put.type, FrameType::kPut);
    const agent::ErrorReport full{agent::ErrorCode::kNoSpace, "full"};
    peer_->send(FrameType::kError, put.request, encode(full));
    for (;;) {
      const auto frame = peer_->receive();
      if (frame.type == FrameType::kRun) {
        peer_->send(FrameType::kExit, frame.request, encode(agent::ExitReport{}));
        return;
      }
      if (frame.type == FrameType::kHello) return;
      received += frame.payload.size();
    }
  });
  const std::string large(50'000'000, 'x');
  EXPECT_THAT(agent_->put(large, "/file", 0644, {}), test::FailsWith("Agent:NoSpace"));
  EXPECT_OK(run());
  agent_.reset();
  thread.join();
  EXPECT_LT(received, large.size() / 2);
}

}  // namespace
}  // namespace kiln
