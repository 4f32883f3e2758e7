// Connections of steps to servers of the host, through a real agent. Both ends are this machine, so
// the agent's addresses are of another network than the servers'.
#include <sched.h>
#include <sys/mount.h>

#include "engine/core/text.h"
#include "tests/engine/agent/real_agent.h"
#include "tests/support/tcp_server.h"

namespace kiln::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// The agent has a network of its own, as in a virtual machine, and its own table of names.
class AgentForward : public AgentTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "the agent runs as root";
    names_ = read_file("/etc/hosts").value();
    process_ = std::make_unique<RealAgent>(std::vector<std::string>(), [] {
      return ::unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 &&
             ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    });
    auto connected = connect_agent(process_->take_socket(), 10s, {});
    ASSERT_OK(connected);
    agent_ = *std::move(connected);
  }
  void TearDown() override { EXPECT_EQ(read_file("/etc/hosts").value(), names_); }

  /// What a program of the guest gets from a server; bash connects by itself.
  Result<Captured> bash(const std::string& script) {
    return run({{"/bin/bash", "-c", script}, {}, "/", {}});
  }
  std::string names_;
};

TEST_F(AgentForward, ReachesANamedServerByItsName) {
  const TcpServer server([](int connection) {
    char piece[64];
    const auto got = ::recv(connection, piece, sizeof piece, 0);
    send_all(connection, "you said " + std::string(piece, static_cast<std::size_t>(got)));
  });
  ASSERT_OK(agent_->forward({{"localhost", server.port()}, {"127.0.0.1", server.port()}}, {}));
  for (const auto* host : {"localhost", "127.0.0.1"}) {
    const auto said =
        bash(fmt::format("exec 3<>/dev/tcp/{}/{}; echo hello >&3; cat <&3", host, server.port()));
    ASSERT_OK(said);
    EXPECT_EQ(said->out, "you said hello\n") << host << said->err;
  }
  const auto names = bash("head -n 1 /etc/hosts; ls /run/kiln-hosts");
  ASSERT_OK(names);
  EXPECT_EQ(names->out, "127.77.0.1 localhost\n");
}

TEST_F(AgentForward, ReachesNothingElse) {
  const TcpServer server([](int connection) { send_all(connection, "secret"); });
  ASSERT_OK(agent_->forward({{"127.0.0.1", 9}}, {}));
  const auto refused = bash(fmt::format("cat </dev/tcp/127.0.0.1/{}", server.port()));
  ASSERT_OK(refused);
  EXPECT_NE(refused->exit.code, 0);
  EXPECT_THAT(refused->err, HasSubstr("refused"));
}

TEST_F(AgentForward, CarriesMuchInBothDirectionsAndTheirEnds) {
  constexpr std::size_t kMuch = 20'000'000;
  const TcpServer server([](int connection) {
    const auto text = receive_all(connection);  // until the guest's end
    send_all(connection, text);
  });
  ASSERT_OK(agent_->forward({{"127.0.0.1", server.port()}}, {}));
  const auto sum =
      bash(fmt::format("python3 - <<'E'\n"
                       "import socket, os, threading\n"
                       "data = os.urandom({})\n"
                       "s = socket.create_connection(('127.0.0.1', {}))\n"
                       "def send():\n"
                       "    s.sendall(data); s.shutdown(socket.SHUT_WR)\n"
                       "threading.Thread(target=send).start()\n"
                       "got = b''.join(iter(lambda: s.recv(1 << 16), b''))\n"
                       "print(got == data)\n"
                       "E",
                       kMuch,
                       server.port()));
  ASSERT_OK(sum);
  EXPECT_EQ(sum->out, "True\n") << sum->err;
}

TEST_F(AgentForward, AConnectionThatNobodyReadsHoldsUpNoOther) {
  std::atomic<int> connections = 0;
  const TcpServer server([&](int connection) {
    if (++connections == 1) {
      std::string text(std::size_t{1} << 24, 'x');
      send_all(connection, text);  // the guest does not read it
    } else {
      send_all(connection, "quick\n");
    }
  });
  ASSERT_OK(agent_->forward({{"127.0.0.1", server.port()}}, {}));
  const auto quick = bash(
      fmt::format("exec 3</dev/tcp/127.0.0.1/{0}; sleep 1; timeout 5 cat </dev/tcp/127.0.0.1/{0}",
                  server.port()));
  ASSERT_OK(quick);
  EXPECT_EQ(quick->out, "quick\n") << quick->err;
}

TEST_F(AgentForward, AServerThatIsNotThereEndsTheConnection) {
  std::uint16_t port = 0;
  {
    port = TcpServer([](int) {}).port();
  }
  ASSERT_OK(agent_->forward({{"127.0.0.1", port}}, {}));
  const auto ended = bash(fmt::format("timeout 5 cat </dev/tcp/127.0.0.1/{}; echo $?", port));
  ASSERT_OK(ended);
  EXPECT_NE(ended->out, "124\n");
}

TEST_F(AgentForward, SaysThatAHostIsUnknown) {
  EXPECT_THAT(agent_->forward({{"no-such-host.invalid", 80}}, {}), FailsWith("Network:Name"));
}

}  // namespace
}  // namespace kiln::test
