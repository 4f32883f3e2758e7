// The agent for Windows, the real program, under Wine: what the Linux agent's tests ask of that
// one.
#include <chrono>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include "engine/agent/host_session.h"
#include "engine/core/file.h"
#include "tests/engine/agent/wine.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;

constexpr const char* kStep = "C:\\kiln\\step.exe";

class WindowsAgent : public ::testing::Test {
 protected:
  struct Captured {
    GuestExit exit;
    std::string out;
    std::string err;
  };

  static void SetUpTestSuite() {
    ::signal(SIGPIPE, SIG_IGN);  // of the bridge
    wine_ = new test::Wine;
    std::filesystem::copy_file(KILN_WINDOWS_AGENT, wine_->folder() / "kiln-agent.exe");
    std::filesystem::copy_file(KILN_WINDOWS_STEP, wine_->folder() / "step.exe");
  }
  static void TearDownTestSuite() {
    delete wine_;
    wine_ = nullptr;
  }
  void SetUp() override {
    ASSERT_TRUE(wine_->ready());
    std::error_code ignored;
    std::filesystem::remove(wine_->folder() / "alive", ignored);
  }
  void TearDown() override {
    agent_.reset();
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    bridge_.reset();
    wine_->flush_port();
  }
  void start(const AgentPatience& patience = {20s}) {
    pid_ = wine_->start({"wine", "C:\\kiln\\kiln-agent.exe", "--port", "COM2"});
    connect(patience);
  }
  void connect(const AgentPatience& patience = {20s}) {
    bridge_ = std::make_unique<test::PortBridge>(wine_->port());
    auto connected = connect_agent(bridge_->take_socket(), patience, CancelToken());
    ASSERT_OK(connected);
    agent_ = *std::move(connected);
  }

  Result<Captured> run(const GuestCommand& command, const CancelToken& cancel = {}) {
    Captured captured;
    const auto output = [&captured](GuestStream stream, std::string_view data) {
      (stream == GuestStream::kStdout ? captured.out : captured.err).append(data);
    };
    KILN_TRY_ASSIGN(captured.exit, agent_->run(command, output, cancel));
    return captured;
  }
  Result<Captured> step(std::vector<std::string> words, const CancelToken& cancel = {}) {
    words.insert(words.begin(), kStep);
    return run({words, {}, "/C:/kiln", {}}, cancel);
  }

  static std::uintmax_t alive() {
    std::error_code error;
    const auto size = std::filesystem::file_size(wine_->folder() / "alive", error);
    return error ? 0 : size;
  }
  static void wait_until_alive() {
    for (int i = 0; i < 1000 && alive() == 0; ++i) std::this_thread::sleep_for(10ms);
    ASSERT_GT(alive(), 0U) << "it never ran, so its end proves nothing";
  }
  static void expect_dead() {
    const auto before = alive();
    EXPECT_GT(before, 0U);
    std::this_thread::sleep_for(500ms);
    EXPECT_EQ(alive(), before) << "something of the step is still running";
  }

  inline static test::Wine* wine_ = nullptr;
  pid_t pid_ = -1;
  std::unique_ptr<test::PortBridge> bridge_;
  std::unique_ptr<GuestAgent> agent_;
};

TEST_F(WindowsAgent, SeparatesOutputAndGivesTheExitCode) {
  start();
  for (const int code : {0, 7, 3010, 267014, -1073741819}) {
    const auto result = step({"say", std::to_string(code)});
    ASSERT_OK(result);
    EXPECT_EQ(result->exit.kind, GuestExit::Kind::kExited);
    EXPECT_EQ(result->exit.code, code);
    EXPECT_EQ(result->out, "to out\r\n");
    EXPECT_EQ(result->err, "to err\r\n");
  }
}

TEST_F(WindowsAgent, HandsOverArgumentsEnvironmentAndFolder) {
  start();
  const auto words =
      step({"arguments", "a b", "", "%PATH%", "\"", "\\", "a\\ b\\", "\\\"", "Grüße ☃"});
  ASSERT_OK(words);
  EXPECT_EQ(words->out, "a b||%PATH%|\"|\\|a\\ b\\|\\\"|Grüße ☃|");
  const auto variable = run({{kStep, "variable", "extra"}, {{"EXTRA", "a ü"}}, "/C:/kiln", {}});
  ASSERT_OK(variable);
  EXPECT_EQ(variable->out, "a ü");
  const auto inherited = step({"variable", "SystemRoot"});
  ASSERT_OK(inherited);
  EXPECT_EQ(inherited->out, "C:\\windows");
  for (const auto& [wanted, folder] : {std::pair{"/C:/kiln", "C:\\kiln"}, {"/C:/none", "C:\\"}}) {
    const auto result = run({{kStep, "folder"}, {}, wanted, {}});
    ASSERT_OK(result);
    EXPECT_EQ(result->out, folder);
  }
}

TEST_F(WindowsAgent, SaysWhyAProgramCannotBeRunAsShellsDo) {
  start();
  const auto result = run({{"C:\\kiln\\none.exe"}, {}, "/C:/kiln", {}});
  ASSERT_OK(result);
  EXPECT_EQ(result->exit.code, 127);
  EXPECT_THAT(result->err, HasSubstr("cannot run C:\\kiln\\none.exe: "));
  EXPECT_OK(step({"say", "0"}));
}

TEST_F(WindowsAgent, StreamsOutputBeforeTheCommandEnds) {
  start();
  std::vector<Clock::time_point> arrivals;
  const auto result =
      agent_->run({{kStep, "early"}, {}, "/C:/kiln", {}},
                  [&](GuestStream, std::string_view) { arrivals.push_back(Clock::now()); },
                  {});
  const auto end = Clock::now();
  ASSERT_OK(result);
  ASSERT_GE(arrivals.size(), 2U);
  EXPECT_GE(end - arrivals.front(), 800ms);
}

TEST_F(WindowsAgent, Passes50MegabytesOfOutput) {
  start();
  constexpr std::uint64_t kEach = 25U << 20U;
  std::uint64_t sizes[2] = {};
  std::uint64_t wrong = 0;
  const auto output = [&](GuestStream stream, std::string_view data) {
    auto& size = sizes[stream == GuestStream::kStdout ? 0 : 1];
    for (const char c : data) wrong += c == static_cast<char>(size++ / 4096) ? 0 : 1;
  };
  const auto result =
      agent_->run({{kStep, "flood", std::to_string(kEach)}, {}, "/C:/kiln", {}}, output, {});
  ASSERT_OK(result);
  EXPECT_TRUE(result->ok());
  EXPECT_EQ(sizes[0], kEach);
  EXPECT_EQ(sizes[1], kEach);
  EXPECT_EQ(wrong, 0U);
}

TEST_F(WindowsAgent, LeavesNothingRunningWhenTheCommandEnds) {
  start();
  const auto begin = Clock::now();
  const auto result = step({"leave", "C:\\kiln\\alive"});
  ASSERT_OK(result);
  EXPECT_EQ(result->exit.code, 3);
  EXPECT_LT(Clock::now() - begin, 15s);
  expect_dead();
}

TEST_F(WindowsAgent, EnforcesTheTimeLimitOnEverythingStarted) {
  start();
  const auto result = run({{kStep, "stay", "C:\\kiln\\alive"}, {}, "/C:/kiln", 3s});
  ASSERT_OK(result);
  EXPECT_EQ(result->exit.kind, GuestExit::Kind::kTimedOut);
  expect_dead();
}

TEST_F(WindowsAgent, CancelsEverythingStartedAndGoesOn) {
  start();
  CancelSource source;
  std::thread canceller([&] {
    wait_until_alive();
    source.request();
  });
  const auto result = step({"stay", "C:\\kiln\\alive"}, source.token());
  canceller.join();
  EXPECT_THAT(result, test::FailsWith("Run:Cancelled"));
  expect_dead();
  EXPECT_OK(step({"say", "0"}));
}

TEST_F(WindowsAgent, FeedsTheCommand) {
  start();
  std::string sent(300'000, '\0');
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 31 + (i >> 8));
  const auto file = wine_->folder() / "input";
  ASSERT_OK(write_file_atomic(file, sent, 0600));
  const auto input = open_read_only(file);
  ASSERT_OK(input);
  const auto result = run({{kStep, "copy"}, {}, "/C:/kiln", {}, GuestInput{input->get(), {}}});
  ASSERT_OK(result);
  EXPECT_TRUE(result->out == sent);
}

TEST_F(WindowsAgent, PutsAndGetsFiles) {
  start();
  for (const std::size_t size : {0, 1, 65536, 65537, 3'000'000}) {
    std::string contents(size, '\0');
    for (std::size_t i = 0; i < size; ++i) contents[i] = static_cast<char>(i * 31 + (i >> 8));
    ASSERT_OK(agent_->put(contents, "/C:/kiln/Grüße.bin", 0644, {}));
    EXPECT_TRUE(read_file(wine_->folder() / "Grüße.bin").value_or("?") == contents);
    const auto got = agent_->get("/C:/kiln/Grüße.bin", size, {});
    ASSERT_OK(got);
    EXPECT_TRUE(*got == contents);
  }
  EXPECT_THAT(agent_->get("/C:/kiln/Grüße.bin", 3, {}), test::FailsWith("Agent:TooLarge"));
  EXPECT_THAT(agent_->get("/C:/kiln/none", 3, {}), test::FailsWith("Agent:NotFound"));
  EXPECT_THAT(agent_->get("/C:/kiln", 3, {}), test::FailsWith("Agent:NotAFile"));
  EXPECT_THAT(agent_->put("x", "/C:/none/file", 0644, {}), test::FailsWith("Agent:NotFound"));
  EXPECT_THAT(agent_->put("x", "/C:/windows", 0644, {}), test::FailsWith("Agent:NotAFile"));
  EXPECT_THAT(agent_->put("x", "/tmp/file", 0644, {}), test::FailsWith("Agent:Io"));
  for (const auto& entry : std::filesystem::directory_iterator(wine_->folder())) {
    EXPECT_THAT(entry.path().filename().string(), ::testing::Not(HasSubstr(".kiln-put"))) << entry;
  }
}

TEST_F(WindowsAgent, GivesASignOfLifeWhileAStepIsSilent) {
  AgentPatience patience{20s};
  patience.before_ping = 200ms;
  patience.for_pong = 700ms;
  start(patience);
  EXPECT_OK(step({"early"}));
}

TEST_F(WindowsAgent, RefusesWhatItDoesNotKnowYet) {
  start();
  const auto removed = agent_->remove("/C:/kiln/*", {});
  ASSERT_THAT(removed, test::FailsWith("Agent:Io"));
  EXPECT_THAT(removed.error().message(), HasSubstr("not yet known in Windows"));
  EXPECT_THAT(agent_->set_clock(std::chrono::system_clock::now(), {}), test::FailsWith("Agent:Io"));
  EXPECT_OK(step({"say", "0"}));
}

TEST_F(WindowsAgent, QuitsAndSaysSo) {
  start();
  ASSERT_OK(agent_->quit({}));
  EXPECT_EQ(test::Wine::wait_for(std::exchange(pid_, -1)), 0);
}

}  // namespace
}  // namespace kiln
