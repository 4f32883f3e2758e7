// What the steps of Windows send to the agent, byte by byte, and what they make of its answers.
#include <gmock/gmock.h>

#include "customizers/customizer.h"
#include "customizers/windows_command.h"
#include "engine/core/file.h"
#include "engine/core/temp_dir.h"
#include "tests/customizers/fake_windows.h"
#include "tests/support/matchers.h"
#include "tests/support/recording_sink.h"

namespace kiln {
namespace {

using test::FailsWith;
using test::FakeWindows;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Pair;
using ::testing::StartsWith;

constexpr const char* kUtf8 =
    "try { [Console]::OutputEncoding = New-Object System.Text.UTF8Encoding $false } catch { }; ";

GuestExit exited(int code) {
  return {GuestExit::Kind::kExited, code};
}

class WindowsSteps : public ::testing::Test {
 protected:
  Result<void> run(const std::string& text, ApiVersion version = kNewestVersion) {
    KILN_TRY_ASSIGN(const auto body, JsonReader::parse(text, "template.json"));
    Diagnostics found;
    const auto parsed = parse_customizer(body, ContractContext{version, found});
    EXPECT_TRUE(parsed.item) << text;
    StepContext context{agent_, sink_, "customize", "customize-01", inputs_, limit_, {}};
    context.await_restart = [this](std::chrono::milliseconds limit) -> Result<void> {
      restarts_.push_back(limit);
      return {};
    };
    return parsed.item->run(context);
  }
  /// A fetched file.
  std::string input(const std::string& contents) {
    inputs_["a.ps1"] = folder_.path() / "a.ps1";
    EXPECT_OK(write_file_atomic(inputs_["a.ps1"], contents));
    return inputs_["a.ps1"].string();
  }
  /// What stood in the script's file while it ran.
  [[nodiscard]] std::string script() const {
    return agent_.runs.at(0).file("/C:/Windows/Temp/script-", ".ps1");
  }
  [[nodiscard]] std::string text_of(std::size_t run) const {
    return agent_.runs.at(run).command.argv.at(5);
  }

  FakeWindows agent_;
  test::RecordingSink sink_;
  TempDir folder_ = TempDir::create().value();
  std::map<std::string, std::filesystem::path> inputs_;
  std::optional<std::chrono::milliseconds> limit_;
  std::vector<std::chrono::milliseconds> restarts_;
};

TEST(WindowsCommand, NamesFilesAsTheAgentDoes) {
  EXPECT_EQ(windows_guest_path(R"(c:\a b\c)"), "/c:/a b/c");
  EXPECT_EQ(windows_guest_path("D:/a"), "/D:/a");
  EXPECT_EQ(windows_guest_path(R"(\a\b)"), "/C:/a/b");
  EXPECT_EQ(windows_guest_path("/a/b"), "/C:/a/b");
}

TEST(WindowsCommand, QuotesEveryQuoteThatPowerShellKnows) {
  EXPECT_EQ(powershell_literal("it's $x `n \"a\""), "'it''s $x `n \"a\"'");
  EXPECT_EQ(powershell_literal("a\u2018b\u2019c\u201Ad\u201Be"),
            "'a\u2018\u2018b\u2019\u2019c\u201A\u201Ad\u201B\u201Be'");
  EXPECT_EQ(powershell_literal(""), "''");
}

TEST(WindowsCommand, MarksTextOnlyWhereWindowsWouldMisreadIt) {
  EXPECT_EQ(powershell_file("'é'"), "\xEF\xBB\xBF'é'");
  EXPECT_EQ(powershell_file("a"),
            "\xEF\xBB\xBF"
            "a");
  EXPECT_EQ(powershell_file("\xEF\xBB\xBF"
                            "a"),
            "\xEF\xBB\xBF"
            "a");
  EXPECT_EQ(powershell_file(std::string_view("\xFF\xFE"
                                             "a\0",
                                             4)),
            std::string_view("\xFF\xFE"
                             "a\0",
                             4));
  EXPECT_EQ(powershell_file("caf\xE9"), "caf\xE9");  // Windows-1252, as the system reads it
  EXPECT_EQ(powershell_file("cut \xE2\x82"), "cut \xE2\x82");
}

TEST(WindowsCommand, GivesNamesThatDiffer) {
  EXPECT_THAT(random_uuid(),
              MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  EXPECT_NE(random_uuid(), random_uuid());
}

TEST_F(WindowsSteps, PowerShellIsStagedRunAndRemovedAsInTheService) {
  limit_ = std::chrono::minutes(3);
  ASSERT_OK(run(R"({"type": "PowerShell", "inline": ["$a = 'Grüße'", "Write-Output $a"]})"));
  ASSERT_EQ(agent_.runs.size(), 1U);
  const auto& command = agent_.runs[0].command;
  EXPECT_EQ(script(), "\xEF\xBB\xBF$a = 'Grüße'\nWrite-Output $a\n");
  const auto& path = agent_.runs[0].files.begin()->first;
  EXPECT_THAT(path, MatchesRegex("/C:/Windows/Temp/script-[0-9a-f-]{36}\\.ps1"));
  const auto name = path.substr(path.rfind('/') + 1);
  EXPECT_THAT(
      command.argv,
      ElementsAre(
          R"(C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe)",
          "-NonInteractive",
          "-ExecutionPolicy",
          "Bypass",
          "-Command",
          kUtf8 + ("if (Test-Path variable:global:ProgressPreference) { "
                   "$global:ProgressPreference = 'SilentlyContinue' }; & 'C:\\Windows\\Temp\\" +
                   name + "'; exit $LastExitCode")));
  EXPECT_THAT(command.environment,
              ElementsAre(Pair("PACKER_BUILDER_TYPE", "azure-arm"),
                          Pair("PACKER_BUILD_NAME", "azure-arm")));
  EXPECT_EQ(command.time_limit, limit_);
  EXPECT_THAT(agent_.files, IsEmpty()) << "the script was left in the image";
}

TEST_F(WindowsSteps, PowerShellRunsAsTheAccountThatTheTemplateAsksFor) {
  ASSERT_OK(run(R"({"type": "PowerShell", "inline": ["a"]})"));
  ASSERT_OK(run(R"({"type": "PowerShell", "inline": ["a"], "runElevated": true})"));
  ASSERT_OK(
      run(R"({"type": "PowerShell", "inline": ["a"], "runElevated": true, "runAsSystem": true})"));
  EXPECT_EQ(agent_.runs[0].command.account, Account::kLimitedAdministrator);
  EXPECT_EQ(agent_.runs[1].command.account, Account::kElevatedAdministrator);
  EXPECT_EQ(agent_.runs[2].command.account, Account::kSystem);
}

TEST_F(WindowsSteps, PowerShellTakesAFetchedScriptByteByByte) {
  input("param()\r\nexit 0");
  ASSERT_OK(run(R"({"type": "PowerShell", "scriptUri": "a.ps1"})"));
  EXPECT_EQ(script(), "\xEF\xBB\xBFparam()\r\nexit 0");
}

TEST_F(WindowsSteps, PowerShellHasValidExitCodes) {
  int code = 0;
  agent_.answer = [&](const auto&, const auto&) { return exited(code); };
  const auto ends_with = [&](int ended, const std::string& valid) {
    code = ended;
    const auto fields = valid.empty() ? valid : ", \"validExitCodes\": " + valid;
    return run(R"({"type": "PowerShell", "inline": ["a"])" + fields + "}", ApiVersion::k2022July);
  };
  EXPECT_OK(ends_with(0, ""));
  EXPECT_THAT(ends_with(3010, ""), FailsWith("PowerShell:ExitCode"));
  EXPECT_OK(ends_with(3010, R"(["0", "3010"])"));
  EXPECT_OK(ends_with(0, R"(["0", "3010"])"));
  EXPECT_THAT(ends_with(1, R"(["0", "3010"])"), FailsWith("PowerShell:ExitCode"));
  EXPECT_THAT(ends_with(0, "[3010]"), FailsWith("PowerShell:ExitCode"));
  EXPECT_OK(ends_with(-1073741819, "[-1073741819]"));
  EXPECT_OK(ends_with(-1073741819, "[3221225477]"));
}

TEST_F(WindowsSteps, PowerShellSaysWhatFailedAndLeavesNothing) {
  agent_.answer = [](const auto&, const GuestOutput& output) {
    output(GuestStream::kStderr, "no such module\r\n");
    return exited(3010);
  };
  const auto failed = run(R"({"type": "PowerShell", "inline": ["a"]})");
  ASSERT_THAT(failed, FailsWith("PowerShell:ExitCode"));
  EXPECT_THAT(failed.error().where(), HasSubstr("template.json"));
  EXPECT_THAT(failed.error().quoted(), ElementsAre("no such module"));
  EXPECT_THAT(failed.error().cure(), HasSubstr("validExitCodes"));
  EXPECT_THAT(agent_.files, IsEmpty());
  agent_.answer = [](const auto&, const auto&) -> Result<GuestExit> {
    return fail(ErrorKind::kCancelled, "Run:Cancelled", "cancelled");
  };
  EXPECT_THAT(run(R"({"type": "PowerShell", "inline": ["a"]})"), FailsWith("Run:Cancelled"));
  EXPECT_THAT(agent_.files, IsEmpty());
}

/// A system that answers PowerShell after a restart.
Result<GuestExit> restarted(const FakeWindows::Run& run, const GuestOutput& output) {
  if (run.command.argv[0].ends_with("powershell.exe")) {
    output(GuestStream::kStdout, "VM restarted.\r\n");
  }
  return exited(0);
}

TEST_F(WindowsSteps, RestartGivesItsCommandToCmdUntouched) {
  agent_.answer = restarted;
  ASSERT_OK(run(R"({"type": "WindowsRestart", "restartTimeout": "20m"})"));
  ASSERT_EQ(agent_.runs.size(), 2U);
  EXPECT_THAT(agent_.runs[0].command.argv,
              ElementsAre(R"(C:\Windows\System32\cmd.exe)",
                          "/d",
                          "/c",
                          MatchesRegex(R"(C:\\Windows\\Temp\\kiln-[0-9a-f-]{36}\.cmd)")));
  EXPECT_EQ(agent_.runs[0].file("/C:/Windows/Temp/kiln-", ".cmd"),
            "@echo off\r\nshutdown /r /f /t 0 /c \"packer restart\"\r\n");
  EXPECT_EQ(text_of(1), kUtf8 + std::string(R"(Write-Output "${env:COMPUTERNAME} restarted.")"));
  EXPECT_THAT(restarts_, ElementsAre(std::chrono::minutes(20)));
  EXPECT_THAT(agent_.files, IsEmpty());
}

TEST_F(WindowsSteps, RestartRunsTheCheckCommandAndIgnoresItsExitCode) {
  agent_.answer = [](const FakeWindows::Run& run, const GuestOutput& output) {
    const bool check = run.file("/C:/Windows/Temp/kiln-", ".cmd").find("é up") != std::string::npos;
    return check ? Result<GuestExit>(exited(9)) : restarted(run, output);
  };
  ASSERT_OK(run(R"({"type": "WindowsRestart", "restartCheckCommand": "echo é up"})"));
  ASSERT_EQ(agent_.runs.size(), 3U);
  EXPECT_EQ(agent_.runs[1].file("/C:/Windows/Temp/kiln-", ".cmd"),
            "@echo off\r\nchcp 65001 >nul\r\necho é up\r\n");
  EXPECT_EQ(restarts_.size(), 1U);
}

TEST_F(WindowsSteps, RestartTakesTheExitCodesAndTheEndsThatARestartHas) {
  for (const int code : {0, 1115, 1190}) {
    agent_.answer = [&](const FakeWindows::Run& run, const GuestOutput& output) {
      const bool command = run.command.argv[0].ends_with("cmd.exe");
      return command ? Result<GuestExit>(exited(code)) : restarted(run, output);
    };
    EXPECT_OK(run(R"({"type": "WindowsRestart"})"));
  }
  agent_.answer = [&](const FakeWindows::Run& run, const GuestOutput& output) -> Result<GuestExit> {
    if (!run.command.argv[0].ends_with("cmd.exe")) return restarted(run, output);
    return fail(ErrorKind::kGuestFailed, "Agent:Lost", "the line is closed");
  };
  EXPECT_OK(run(R"({"type": "WindowsRestart"})"));
  EXPECT_EQ(restarts_.size(), 4U);
  agent_.answer = [](const auto&, const auto&) { return exited(5); };
  EXPECT_THAT(run(R"({"type": "WindowsRestart"})"), FailsWith("WindowsRestart:ExitCode"));
  EXPECT_EQ(restarts_.size(), 4U);
}

TEST_F(WindowsSteps, RestartFailsInTheServicesWords) {
  const auto failed = run(R"({"type": "WindowsRestart", "restartTimeout": "1s"})");
  ASSERT_THAT(failed, FailsWith("WindowsRestart:Timeout"));
  EXPECT_EQ(failed.error().message(), "Timeout waiting for machine to restart.");
}

TEST_F(WindowsSteps, FileGoesWhereWindowsHasIt) {
  const auto source = input("x");
  ASSERT_OK(
      run(R"({"type": "File", "sourceUri": "a.ps1", "destination": "c:\\it's here\\a.ps1"})"));
  EXPECT_THAT(agent_.files, ElementsAre(Pair("/c:/it's here/a.ps1", source)));
  EXPECT_EQ(text_of(0),
            kUtf8 + std::string("if (Test-Path -LiteralPath 'c:\\it''s here\\a.ps1' -PathType "
                                "Container) { exit 3 }; if (-not (Test-Path -LiteralPath "
                                "'c:\\it''s here\\' -PathType Container)) { exit 4 }"));
  const auto to_folder = [&](int code) {
    agent_.answer = [code](const auto&, const auto&) { return exited(code); };
    return run(R"({"type": "File", "sourceUri": "a.ps1", "destination": "c:\\b\\a"})");
  };
  EXPECT_THAT(to_folder(3), FailsWith("File:IsFolder"));
  const auto missing = to_folder(4);
  ASSERT_THAT(missing, FailsWith("File:NoParent"));
  EXPECT_THAT(missing.error().cure(), HasSubstr("New-Item -ItemType Directory -Force 'c:\\b\\'"));
}

/// Answers the update program's rounds with these reports, in order.
FakeWindows::Answer updates(FakeWindows& agent, std::vector<std::string> reports) {
  return [&agent, reports, next = std::size_t{0}](const FakeWindows::Run& run,
                                                  const GuestOutput&) mutable {
    if (!run.command.argv[0].ends_with("powershell.exe")) return exited(0);
    const auto& text = run.command.argv[5];
    const auto begin = text.find("-Report '") + 9;
    const auto path = text.substr(begin, text.find('\'', begin) - begin);
    agent.files[windows_guest_path(path)] = reports.at(next++);
    return exited(0);
  };
}

std::string round_of(const std::string& id, const std::string& outcome, bool restart) {
  return R"({"disc": false, "restart": )" + std::string(restart ? "true" : "false") +
         R"(, "updates": [{"id": ")" + id + R"(", "title": "Update )" + id + R"(", "outcome": ")" +
         outcome + R"(", "code": -2145124329}]})";
}
constexpr const char* kNone = R"({"disc": false, "restart": false, "updates": []})";
constexpr const char* kUpdate = R"({"type": "WindowsUpdate", "updateLimit": 20})";

TEST_F(WindowsSteps, UpdateRunsRoundsUntilNothingIsLeft) {
  agent_.answer =
      updates(agent_, {round_of("1", "installed", true), round_of("2", "installed", false), kNone});
  ASSERT_OK(run(R"({"type": "WindowsUpdate", "searchCriteria": "IsInstalled=0", "updateLimit": 20,
      "filters": ["exclude:$_.Title -like '*Preview*'", "include:$true"]})"));
  ASSERT_EQ(agent_.runs.size(), 4U);
  EXPECT_THAT(
      text_of(0),
      AllOf(HasSubstr("& 'C:\\Windows\\Temp\\kiln-"),
            EndsWith(".json' -SearchCriteria 'IsInstalled=0' -Filters "
                     "@('exclude:$_.Title -like ''*Preview*''', 'include:$true') -UpdateLimit 20 "
                     "-Settled @(); exit $LastExitCode")));
  EXPECT_THAT(agent_.runs[0].file("/C:/Windows/Temp/kiln-", ".ps1"),
              AllOf(StartsWith("\xEF\xBB\xBF"), HasSubstr("Microsoft.Update.Session")));
  EXPECT_THAT(
      agent_.runs[1].command.argv,
      ElementsAre(
          R"(C:\Windows\System32\shutdown.exe)", "/r", "/f", "/t", "0", "/c", "packer restart"));
  EXPECT_THAT(restarts_, ElementsAre(std::chrono::hours(4)));
  EXPECT_EQ(agent_.runs[0].command.account, Account::kSystem);
  EXPECT_THAT(agent_.files, IsEmpty());
}

TEST_F(WindowsSteps, UpdateNamesWhatRepeats) {
  const auto again = round_of("KB1", "installed", true);
  agent_.answer = updates(agent_, {again, again, again});
  const auto loop = run(kUpdate);
  ASSERT_THAT(loop, FailsWith("WindowsUpdate:Loop"));
  EXPECT_THAT(loop.error().message(), HasSubstr("\"Update KB1\" (KB1) was installed 3 times"));
  EXPECT_THAT(agent_.files, IsEmpty());

  const auto broken = round_of("KB2", "failed", false);
  agent_.answer = updates(agent_, {broken, broken, broken});
  const auto failed = run(kUpdate);
  ASSERT_THAT(failed, FailsWith("WindowsUpdate:Failed"));
  EXPECT_THAT(failed.error().message(), AllOf(HasSubstr("KB2"), HasSubstr("0x80240017")));

  const std::string pending = R"({"disc": false, "restart": true, "updates": []})";
  agent_.answer = updates(agent_, {pending, pending, pending});
  EXPECT_THAT(run(kUpdate), FailsWith("WindowsUpdate:RestartPending"));
}

TEST_F(WindowsSteps, UpdateTellsTheProgramWhatOfTheDiscIsSettled) {
  const std::string first =
      R"({"disc": true, "restart": false, "updates": [
          {"id": "a.msu", "title": "a.msu", "outcome": "installed", "code": 0},
          {"id": "b.cab", "title": "b.cab", "outcome": "skipped", "code": -2146498530},
          {"id": "c.cab", "title": "c.cab", "outcome": "failed", "code": 5}]})";
  const std::string second =
      R"({"disc": true, "restart": false, "updates": [
          {"id": "c.cab", "title": "c.cab", "outcome": "installed", "code": 0}]})";
  agent_.answer = updates(agent_, {first, second, kNone});
  ASSERT_OK(run(kUpdate));
  EXPECT_THAT(text_of(1), HasSubstr("-Settled @('a.msu', 'b.cab')"));
  EXPECT_THAT(text_of(2), HasSubstr("-Settled @('a.msu', 'b.cab', 'c.cab')"));
}

TEST_F(WindowsSteps, UpdateBelievesNoReport) {
  for (const std::string report : {"",
                                   "[]",
                                   R"({"updates": [{}]})",
                                   R"({"updates": 1})",
                                   R"({"updates": [{"id": "1", "title": "", "outcome": "eaten",
                                       "code": 0}]})",
                                   R"({"updates": [{"id": "1", "title": "", "outcome": "failed",
                                       "code": 9999999999}]})"}) {
    agent_.answer = updates(agent_, {report});
    EXPECT_THAT(run(kUpdate), FailsWith("WindowsUpdate:BadReport")) << report;
  }
}

}  // namespace
}  // namespace kiln
