// The agent as a service that Wine's service control manager starts and stops.
#include <chrono>
#include <functional>
#include <thread>

#include <gtest/gtest.h>

#include "engine/agent/host_session.h"
#include "engine/core/file.h"
#include "tests/engine/agent/shared_wine.h"
#include "tests/support/matchers.h"

namespace kiln::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr const char* kProgram = "C:\\kiln\\service\\kiln-agent.exe";
constexpr const char* kEntry = "HKLM\\System\\CurrentControlSet\\Services\\KilnAgent";

class WindowsService : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(wine(), nullptr);
    std::filesystem::remove_all(folder());
    std::filesystem::create_directory(folder());
    std::filesystem::copy_file(KILN_WINDOWS_AGENT, folder() / "kiln-agent.exe");
    ASSERT_EQ(wine()->run({"wine",
                           kProgram,
                           "--install",
                           "--port",
                           "COM2",
                           "--log",
                           "C:\\kiln\\service\\log.txt"}),
              0);
    ASSERT_TRUE(has_entry());
    ASSERT_EQ(wine()->run({"wine", "net", "start", "KilnAgent"}), 0);
    connect();
  }
  void TearDown() override {
    agent_.reset();
    bridge_.reset();
    if (wine() == nullptr) return;
    std::ignore = wine()->run({"wine", "net", "stop", "KilnAgent"});
    std::ignore = wine()->run({"wine", "sc", "delete", "KilnAgent"});
    EXPECT_TRUE(comes_true([] { return !has_entry(); }));
    wine()->flush_port();
  }
  void connect() {
    agent_.reset();
    bridge_.reset();
    bridge_ = std::make_unique<PortBridge>(wine()->port());
    AgentPatience patience{20s};
    patience.for_cancel = 500ms;
    auto connected = connect_agent(bridge_->take_socket(), patience, CancelToken());
    ASSERT_OK(connected);
    agent_ = *std::move(connected);
  }
  Result<int> run(const std::vector<std::string>& argv) {
    const auto ignore = [](GuestStream, std::string_view) {};
    KILN_TRY_ASSIGN(const auto exit, agent_->run({argv, {}, "/C:/kiln", {}}, ignore, {}));
    return exit.code;
  }

  static std::filesystem::path folder() { return wine()->folder() / "service"; }
  static bool has_entry() { return wine()->run({"wine", "reg", "query", kEntry}) == 0; }
  static std::string log() { return read_file(folder() / "log.txt").value_or("no log"); }
  static bool comes_true(const std::function<bool()>& state) {
    const auto deadline = std::chrono::steady_clock::now() + 15s;
    while (!state()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(50ms);
    }
    return true;
  }

  std::unique_ptr<PortBridge> bridge_;
  std::unique_ptr<GuestAgent> agent_;
};

TEST_F(WindowsService, ServesAndEndsTheStepWhenItIsStopped) {
  EXPECT_EQ(run({"C:\\kiln\\step.exe", "say", "7"}).value_or(-1), 7);
  const auto alive = wine()->folder() / "alive";
  std::filesystem::remove(alive);
  const auto size = [&] {
    std::error_code error;
    const auto bytes = std::filesystem::file_size(alive, error);
    return error ? 0 : bytes;
  };
  CancelSource source;
  std::jthread stopper([&] {
    EXPECT_TRUE(comes_true([&] { return size() > 0; }));
    EXPECT_EQ(wine()->run({"wine", "net", "stop", "KilnAgent"}), 0);
    source.request();  // the line of a port does not tell that nobody serves it any more
  });
  const auto ended = agent_->run(
      {{"C:\\kiln\\step.exe", "stay", "C:\\kiln\\alive"}, {}, "/C:/", {}},
      [](GuestStream, std::string_view) {},
      source.token());
  EXPECT_FALSE(ended);
  stopper.join();
  const auto before = size();
  std::this_thread::sleep_for(400ms);
  EXPECT_EQ(size(), before) << "the step outlives the service";
  EXPECT_THAT(log(), HasSubstr("was told to stop"));
  EXPECT_EQ(wine()->run({"wine", "net", "start", "KilnAgent"}), 0);
  wine()->flush_port();
}

TEST_F(WindowsService, BeginsAnewAfterALostSessionAndAnotherPort) {
  bridge_.reset();
  const std::string nonsense(64, 'x');
  ASSERT_EQ(::write(wine()->port(), nonsense.data(), nonsense.size()), std::ssize(nonsense));
  connect();
  EXPECT_EQ(run({"C:\\kiln\\step.exe", "say", "0"}).value_or(-1), 0);
  EXPECT_THAT(log(), HasSubstr("the session is lost"));
  bridge_.reset();
  ASSERT_TRUE(wine()->rejoin_port());
  connect();
  EXPECT_EQ(run({"C:\\kiln\\step.exe", "say", "0"}).value_or(-1), 0);
}

TEST_F(WindowsService, RemovesItselfWhenItHasEnded) {
  EXPECT_EQ(run({kProgram, "--remove"}).value_or(-1), 0);
  EXPECT_EQ(run({kProgram, "--remove"}).value_or(-1), 0) << "a second time is no error";
  EXPECT_TRUE(std::filesystem::exists(folder() / "kiln-agent.exe"));
  EXPECT_EQ(run({"C:\\kiln\\step.exe", "say", "7"}).value_or(-1), 7) << "it goes on serving";
  ASSERT_OK(agent_->quit({}));
  EXPECT_TRUE(comes_true([] { return !has_entry(); }));
  EXPECT_TRUE(comes_true([] { return !std::filesystem::exists(folder() / "kiln-agent.exe"); }));
  EXPECT_THAT(log(), HasSubstr("the host has said quit"));
}

}  // namespace
}  // namespace kiln::test
