// The agent for Windows, the real program, under Wine: it keeps the contract of every agent, and
// what only Windows has.
#include "tests/contract/agent_files_contract.h"
#include "tests/engine/agent/shared_wine.h"

namespace kiln::test {
namespace {

using ::testing::HasSubstr;

/// The agent for Windows, run by hand at Wine's COM2.
class WineSystem final : public AgentSystem {
 public:
  WineSystem() {
    std::filesystem::remove_all(folder());
    std::filesystem::create_directories(folder());
  }
  ~WineSystem() override {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    bridge_.reset();
    wine()->flush_port();
  }

  UniqueFd start() override {
    pid_ = wine()->start({"wine", "C:\\kiln\\kiln-agent.exe", "--port", "COM2"});
    bridge_ = std::make_unique<PortBridge>(wine()->port());
    return bridge_->take_socket();
  }
  int wait_for_end() override { return Wine::wait_for(std::exchange(pid_, -1)); }
  [[nodiscard]] std::filesystem::path folder() const override { return wine()->folder() / "work"; }
  [[nodiscard]] std::string requested(const std::string& name) const override {
    return name.empty() ? "/C:/kiln/work" : "/C:/kiln/work/" + name;
  }
  [[nodiscard]] std::string local(const std::string& name) const override {
    return name.empty() ? "C:\\kiln\\work" : "C:\\kiln\\work\\" + name;
  }
  [[nodiscard]] std::string step() const override { return "C:\\kiln\\step.exe"; }

 private:
  pid_t pid_ = -1;
  std::unique_ptr<PortBridge> bridge_;
};

INSTANTIATE_TEST_SUITE_P(Windows,
                         AgentContract,
                         ::testing::Values(AgentKind{"Wine",
                                                     []() -> std::unique_ptr<AgentSystem> {
                                                       if (wine() == nullptr) return nullptr;
                                                       return std::make_unique<WineSystem>();
                                                     },
                                                     "\r\n",
                                                     "C:\\",
                                                     {0, 7, 3010, 267014, -1073741819},
                                                     {GuestExit::Kind::kExited, 1234}}),
                         kind_name);

class WindowsAgent : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(wine(), nullptr);
    system_ = std::make_unique<WineSystem>();
    auto connected = connect_agent(system_->start(), std::chrono::seconds(20), CancelToken());
    ASSERT_OK(connected);
    agent_ = *std::move(connected);
  }
  /// What it writes.
  Result<std::string> output_of(std::vector<std::string> argv) {
    std::string text;
    const auto output = [&text](GuestStream, std::string_view data) { text.append(data); };
    KILN_TRY_ASSIGN(const auto exit,
                    agent_->run({std::move(argv), {}, "/C:/kiln/work", {}}, output, {}));
    return exit.ok() ? text : text + "failed: " + std::to_string(exit.code);
  }

  std::unique_ptr<WineSystem> system_;
  std::unique_ptr<GuestAgent> agent_;
};

// What cmd is given is for cmd to take apart: no rules of the C runtime.
TEST_F(WindowsAgent, LeavesTheLineOfCmdAsItIs) {
  const auto said = output_of({"cmd", "/d", "/c", "echo \"a b\" & echo c"});
  ASSERT_OK(said);
  EXPECT_EQ(*said, "\"a b\" \r\nc\r\n");
  std::filesystem::create_directory(system_->folder() / "with space");
  ASSERT_OK(agent_->put("@echo one %1 two %2\r\n", "/C:/kiln/work/with space/ü.cmd", 0644, {}));
  const auto script =
      output_of({"cmd.exe", "/c", "\"C:\\kiln\\work\\with space\\ü.cmd\" \"x y\" z"});
  ASSERT_OK(script);
  EXPECT_EQ(*script, "one \"x y\" two z\r\n");
}

TEST_F(WindowsAgent, WritesReadsAndRemovesBeyondMaxPath) {
  std::string deep = "/C:/kiln/work";
  auto folder = system_->folder();
  for (int i = 0; i < 8; ++i) {
    const std::string part(60, static_cast<char>('a' + i));
    deep += "/" + part;
    folder /= part;
  }
  std::filesystem::create_directories(folder);
  ASSERT_OK(agent_->put("far down", deep + "/file", 0644, {}));
  EXPECT_EQ(read_file(folder / "file").value_or("?"), "far down");
  EXPECT_EQ(agent_->get(deep + "/file", 100, {}).value_or("?"), "far down");
  const auto top = "/C:/kiln/work/" + std::string(60, 'a');
  EXPECT_EQ(agent_->remove("/C:/kiln/work/A*", {}).value_or(std::vector<std::string>{}),
            std::vector<std::string>{top});
  EXPECT_TRUE(std::filesystem::is_empty(system_->folder()));
}

// A folder that is a symbolic link is to Wine one with a reparse point, as a junction is. Wine
// refuses to remove the link itself, so only what it leads to is looked at.
TEST_F(WindowsAgent, RemovesWhatIsReadOnlyAndEntersNoJunction) {
  for (const auto* name : {"tree", "tree/outside"}) {
    std::filesystem::create_directory(system_->folder() / name);
    ASSERT_OK(agent_->put("x", system_->requested(name) + "/file", 0644, {}));
  }
  std::filesystem::create_directory_symlink("tree/outside", system_->folder() / "link");
  ASSERT_OK(output_of({"cmd", "/c", "attrib +r C:\\kiln\\work\\tree\\file"}));
  const auto removed = agent_->remove("/C:/kiln/work/*/file", {});
  ASSERT_OK(removed);
  EXPECT_EQ(*removed, std::vector<std::string>{"/C:/kiln/work/tree/file"});
  EXPECT_TRUE(std::filesystem::exists(system_->folder() / "link/file"));
  std::filesystem::create_directory(system_->folder() / "holder");
  std::filesystem::create_directory_symlink("../tree/outside", system_->folder() / "holder/link");
  std::ignore = agent_->remove("/C:/kiln/work/holder", {});
  EXPECT_TRUE(std::filesystem::exists(system_->folder() / "tree/outside/file"));
}

TEST_F(WindowsAgent, SaysWhatItHasNot) {
  GuestCommand command{{"C:\\kiln\\step.exe", "say", "0"}, {}, "/C:/kiln", {}};
  const auto null = open_read_only("/dev/null");
  ASSERT_OK(null);
  command.input = GuestInput{null->get(), [] { return GuestTerminalSize{24, 80}; }};
  const auto terminal = agent_->run(command, [](GuestStream, std::string_view) {}, {});
  ASSERT_THAT(terminal, FailsWith("Agent:Io"));
  EXPECT_THAT(terminal.error().message(), HasSubstr("there are no terminals"));
  const auto frozen =
      agent_->freeze({}, std::chrono::seconds(1), []() -> Result<void> { return {}; }, {});
  ASSERT_THAT(frozen, FailsWith("Agent:Io"));
  EXPECT_THAT(frozen.error().message(), HasSubstr("cannot freeze file systems"));
  EXPECT_THAT(agent_->put("x", "/tmp/file", 0644, {}), FailsWith("Agent:Io"));
  EXPECT_THAT(agent_->remove("/tmp/file", {}), FailsWith("Agent:Io"));
  EXPECT_OK(output_of({"C:\\kiln\\step.exe", "say", "0"}));
}

// Wine cannot: what matters is that the step then does not run as LocalSystem.
TEST_F(WindowsAgent, RunsNothingWhereItCannotRunItAsTheAdministrator) {
  GuestCommand command{{"C:\\kiln\\step.exe", "say", "0"}, {}, "/C:/kiln", {}};
  command.account = Account::kElevatedAdministrator;
  std::string text;
  const auto result =
      agent_->run(command, [&](GuestStream, std::string_view data) { text.append(data); }, {});
  EXPECT_EQ(text.find("to out"), std::string::npos);
  EXPECT_FALSE(result && result->ok()) << text;
  EXPECT_OK(output_of({"C:\\kiln\\step.exe", "say", "0"}));
}

// To what it says already: this is the host's clock.
TEST_F(WindowsAgent, SetsTheClock) {
  EXPECT_OK(agent_->set_clock(std::chrono::system_clock::now(), {}));
}

}  // namespace
}  // namespace kiln::test
