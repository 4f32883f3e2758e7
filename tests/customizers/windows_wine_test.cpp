// The steps of Windows through the real agent, under Wine: PowerShell is a stand-in that keeps what
// it was given.
#include <gtest/gtest.h>

#include "customizers/customizer.h"
#include "engine/agent/host_session.h"
#include "engine/core/file.h"
#include "tests/engine/agent/wine.h"
#include "tests/support/matchers.h"
#include "tests/support/recording_sink.h"

namespace kiln {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class WindowsStepsInWine : public ::testing::Test {
 protected:
  void SetUp() override {
    ::signal(SIGPIPE, SIG_IGN);  // of the bridge
    ASSERT_TRUE(wine_.ready());
    std::filesystem::copy_file(KILN_WINDOWS_AGENT, wine_.folder() / "kiln-agent.exe");
    const auto shell = wine_.folder() / "../windows/system32/WindowsPowerShell/v1.0/powershell.exe";
    std::filesystem::remove(shell);
    std::filesystem::copy_file(KILN_POWERSHELL_STAND_IN, shell);
    pid_ = wine_.start({"wine", "C:\\kiln\\kiln-agent.exe", "--port", "COM2"});
    bridge_ = std::make_unique<test::PortBridge>(wine_.port());
    auto connected = connect_agent(bridge_->take_socket(), AgentPatience{20s}, CancelToken());
    ASSERT_OK(connected);
    agent_ = *std::move(connected);
  }
  void TearDown() override {
    agent_.reset();
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    bridge_.reset();
  }

  Result<void> run(const std::string& text) {
    KILN_TRY_ASSIGN(const auto body, JsonReader::parse(text, "template.json"));
    KILN_TRY_ASSIGN(const auto step, parse_customizer(body));
    StepContext context{*agent_, sink_, "customize", "customize-01", inputs_, {}, {}};
    context.await_restart = [](auto) { return Result<void>(); };
    return step->run(context);
  }
  /// What the stand-in kept of its run `number`, from 1.
  [[nodiscard]] std::string kept(int number, const std::string& what) const {
    const auto file = wine_.folder() / fmt::format("run-{}", number) / what;
    return read_file(file).value_or("nothing was kept in " + file.string());
  }

  test::Wine wine_;
  test::RecordingSink sink_;
  std::map<std::string, std::filesystem::path> inputs_;
  pid_t pid_ = -1;
  std::unique_ptr<test::PortBridge> bridge_;
  std::unique_ptr<GuestAgent> agent_;
};

// One test, for Wine takes longer to start than all of it.
TEST_F(WindowsStepsInWine, ReachPowerShellAndCmdAsTheyWereWritten) {
  const auto temp = wine_.folder() / "../windows/temp";
  const std::string as_system = R"(, "runElevated": true, "runAsSystem": true)";
  ASSERT_OK(run(R"({"type": "PowerShell", "inline": ["Write-Output \"Grüße ☃\"", "exit 3010"],
                    "validExitCodes": [0, 3010])" +
                as_system + "}"));
  EXPECT_EQ(kept(1, "script"), "\xEF\xBB\xBFWrite-Output \"Grüße ☃\"\nexit 3010\n");
  EXPECT_EQ(kept(1, "environment"), "azure-arm\nazure-arm\n");
  EXPECT_THAT(kept(1, "arguments"),
              AllOf(StartsWith("-NonInteractive\n-ExecutionPolicy\nBypass\n-Command\n"
                               "try { [Console]::OutputEncoding = "),
                    HasSubstr("; & 'C:\\Windows\\Temp\\script-"),
                    EndsWith(".ps1'; exit $LastExitCode\n")));
  const auto failed =
      run(R"({"type": "PowerShell", "inline": ["exit -1073741819"])" + as_system + "}");
  ASSERT_THAT(failed, test::FailsWith("PowerShell:ExitCode"));
  EXPECT_THAT(failed.error().message(), HasSubstr("-1073741819"));
  EXPECT_TRUE(std::filesystem::is_empty(temp)) << "a script was left there";

  // Quotes, variables and characters that mean something to cmd.exe reach the program as written.
  ASSERT_OK(run(R"({"type": "WindowsRestart", "restartCommand":
      "C:\\windows\\system32\\WindowsPowerShell\\v1.0\\powershell.exe \"packer & restart\" %windir%"})"));
  EXPECT_EQ(kept(3, "arguments"), "packer & restart\nC:\\windows\n");
  EXPECT_THAT(kept(4, "arguments"), EndsWith("Write-Output \"${env:COMPUTERNAME} restarted.\"\n"));

  inputs_["a"] = wine_.folder() / "source";
  ASSERT_OK(write_file_atomic(inputs_["a"], "text"));
  ASSERT_OK(run(R"({"type": "File", "sourceUri": "a", "destination": "c:\\kiln\\Grüße.txt"})"));
  EXPECT_EQ(read_file(wine_.folder() / "Grüße.txt").value_or("?"), "text");
  EXPECT_TRUE(std::filesystem::is_empty(temp)) << "a command was left there";
}

}  // namespace
}  // namespace kiln
