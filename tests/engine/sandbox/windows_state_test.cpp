#include "engine/sandbox/windows/windows_state.h"

#include <gmock/gmock.h>

#include "engine/core/text.h"
#include "engine/sandbox/windows/windows_disk.h"
#include "engine/sandbox/windows/windows_sandbox.h"
#include "tests/support/fake_agent.h"
#include "tests/support/matchers.h"

namespace kiln::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Keeps what it is told to run, and answers with `says`.
class Recorder : public FakeAgent {
 public:
  std::vector<std::vector<std::string>> commands;
  std::string says;

  Result<GuestExit> run(const GuestCommand& command,
                        const GuestOutput& output,
                        const CancelToken& /*cancel*/) override {
    commands.push_back(command.argv);
    EXPECT_EQ(command.account, Account::kSystem);
    output(GuestStream::kStdout, says);
    return exit;
  }
};

TEST(WindowsState, ShutsDownAndRestartsByItsOwnCommand) {
  Recorder agent;
  constexpr auto kLimit = std::chrono::minutes(1);
  EXPECT_OK(ask_windows_for_shutdown(agent, WindowsShutdown::kPowerOff, kLimit, {}));
  EXPECT_OK(ask_windows_for_shutdown(agent, WindowsShutdown::kRestart, kLimit, {}));
  const std::string program = R"(C:\Windows\System32\shutdown.exe)";
  EXPECT_THAT(agent.commands,
              ElementsAre(ElementsAre(program, "/s", "/f", "/t", "0"),
                          ElementsAre(program, "/r", "/f", "/t", "0")));
}

TEST(WindowsState, AShutdownThatIsUnderWayIsAsGood) {
  Recorder agent;
  constexpr auto kLimit = std::chrono::minutes(1);
  for (const int under_way : {1115, 1190}) {
    agent.exit.code = under_way;
    EXPECT_OK(ask_windows_for_shutdown(agent, WindowsShutdown::kPowerOff, kLimit, {}));
  }
  agent.exit.code = 5;
  agent.says = "Access is denied.(5)";
  const auto refused = ask_windows_for_shutdown(agent, WindowsShutdown::kPowerOff, kLimit, {});
  ASSERT_THAT(refused, FailsWith("Sandbox:ShutdownRefused"));
  EXPECT_THAT(refused.error().quoted(), ElementsAre("Access is denied.(5)"));
  // The number alone may be that of a signal.
  agent.exit = {GuestExit::Kind::kTimedOut, 1115};
  EXPECT_THAT(ask_windows_for_shutdown(agent, WindowsShutdown::kRestart, kLimit, {}),
              FailsWith("Sandbox:ShutdownRefused"));
}

TEST(WindowsState, TheAgentRemovesItself) {
  Recorder agent;
  EXPECT_OK(withdraw_windows_agent(agent, {}));
  EXPECT_THAT(agent.commands,
              ElementsAre(ElementsAre(R"(C:\Windows\Kiln\kiln-agent.exe)", "--remove")));
  agent.exit.code = 1;
  agent.says = "kiln-agent: cannot remove the profile";
  const auto failed = withdraw_windows_agent(agent, {});
  ASSERT_THAT(failed, FailsWith("Sandbox:AgentNotRemoved"));
  EXPECT_THAT(failed.error().quoted(), ElementsAre(agent.says));
}

TEST(WindowsState, SetupIsSeenInTheRegistry) {
  Recorder agent;
  agent.says =
      "\r\nHKEY_LOCAL_MACHINE\\SYSTEM\\Setup\r\n    SystemSetupInProgress    REG_DWORD    ";
  const auto says = agent.says;
  agent.says = says + "0x1\r\n";
  EXPECT_EQ(windows_sets_itself_up(agent, {}).value(), true);
  agent.says = says + "0x0\r\n";
  EXPECT_EQ(windows_sets_itself_up(agent, {}).value(), false);
  agent.says = says + "0x1\r\n";
  agent.exit.code = 1;
  EXPECT_EQ(windows_sets_itself_up(agent, {}).value(), false) << "there is no such value";
}

TEST(WindowsFirmware, IsAsAskedForWhereThereIsALoader) {
  WindowsFacts facts;
  facts.bios = true;
  EXPECT_EQ(choose_windows_firmware(Firmware::kAny, facts).value(), Firmware::kBios);
  EXPECT_EQ(choose_windows_firmware(Firmware::kBios, facts).value(), Firmware::kBios);
  const auto uefi = choose_windows_firmware(Firmware::kUefi, facts);
  ASSERT_THAT(uefi, FailsWith("Windows:NoUefi"));
  EXPECT_THAT(uefi.error().cure(), HasSubstr("generation V1"));
  facts.uefi = true;
  EXPECT_EQ(choose_windows_firmware(Firmware::kAny, facts).value(), Firmware::kUefi);
  EXPECT_EQ(choose_windows_firmware(Firmware::kBios, facts).value(), Firmware::kBios);
  facts.bios = false;
  EXPECT_THAT(choose_windows_firmware(Firmware::kBios, facts), FailsWith("Windows:NoBios"));
}

TEST(WindowsAgent, IsInAKilnThatTestsAreRunWith) {
  EXPECT_OK(check_windows_agent());
}

}  // namespace
}  // namespace kiln::test
