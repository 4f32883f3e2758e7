// The deprovisioning script of Windows, and what Kiln makes of sysprep's logs.
#include <gmock/gmock.h>

#include "customizers/embedded_scripts.h"
#include "customizers/generalize/generalize.h"
#include "customizers/generalize/windows/setup_log.h"
#include "tests/customizers/fake_windows.h"
#include "tests/support/matchers.h"
#include "tests/support/recording_sink.h"

namespace kiln {
namespace {

using test::FailsWith;
using test::FakeWindows;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kScript = "/C:/DeprovisioningScript.ps1";
constexpr const char* kErrors = "/C:/Windows/System32/Sysprep/Panther/setuperr.log";

std::string error_line(const std::string& text) {
  return "2026-01-02 03:04:05, Error                 SYSPRP " + text + "\r\n";
}

struct LogCase {
  const char* name;
  const char* text;
  const char* code;
  const char* message;
  const char* cure;
};
std::ostream& operator<<(std::ostream& out, const LogCase& log) {
  return out << log.name;
}

class Culprit : public ::testing::TestWithParam<LogCase> {};

TEST_P(Culprit, IsNamedFromItsLine) {
  // What follows from it in each log, and what is no error.
  const auto log =
      "2026-01-02 03:04:04, Info                  SYSPRP a reboot is not upgraded\r\n" +
      error_line(GetParam().text) +
      error_line("ActionPlatform::ExecuteAction: Error in executing action; dwRet = 1");
  for (const bool in_errors : {true, false}) {
    const auto found = in_errors ? find_culprit(log, "") : find_culprit("", log);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->code, GetParam().code);
    EXPECT_THAT(found->message, HasSubstr(GetParam().message));
    EXPECT_THAT(found->cure, HasSubstr(GetParam().cure));
    EXPECT_THAT(found->line, HasSubstr(GetParam().text));
  }
}

INSTANTIATE_TEST_SUITE_P(
    SetupLog,
    Culprit,
    ::testing::Values(
        LogCase{"Appx",
                "Package Contoso.Paint_1.2.3.0_x64__8wekyb3d8bbwe was installed for a user, but "
                "not provisioned for all users. This package will not function properly in the "
                "sysprep image.",
                "Generalize:AppxOfOneUser",
                "Contoso.Paint_1.2.3.0_x64__8wekyb3d8bbwe",
                "Get-AppxPackage -AllUsers Contoso.Paint |"},
        LogCase{"PendingRestart",
                "There are one or more Windows updates that require a reboot.",
                "Generalize:RestartPending",
                "restart outstanding",
                "WindowsRestart"},
        LogCase{"ReservedStorage",
                "Sysprep_Clean_Validate_Opk: Audit mode cannot be turned on; hr = 0x800F0975",
                "Generalize:ServicingBusy",
                "reserved storage",
                "WindowsRestart"},
        LogCase{"BitLocker",
                "BitLocker-Sysprep: BitLocker is on for the OS volume. (0x80310039)",
                "Generalize:BitLocker",
                "BitLocker is on",
                "Disable-BitLocker"},
        LogCase{"Rearm",
                "LaunchDll:Failure occurred while executing 'C:\\Windows\\System32\\slc.dll,"
                "SLReArmWindows', returned error code -1073425657",
                "Generalize:NoRearmLeft",
                "licence",
                "less often"},
        LogCase{"InvalidState",
                "RunExternalDlls:Not running DLLs; either the machine is in an invalid state or we "
                "couldn't update the recorded state, dwRet = 0x1f",
                "Generalize:InvalidState",
                "earlier sysprep",
                "no sysprep has failed"},
        LogCase{"Service",
                "LaunchDll:Failure occurred while executing 'C:\\Windows\\System32\\msdtcprx.dll,"
                "SysPrepDtcGeneralize', returned error code -2146434815",
                "Generalize:Service",
                "MSDTC",
                "start that service"},
        LogCase{"OldModule",
                "LaunchDll:Failure occurred while executing 'C:\\Windows\\System32\\spbcd.dll,"
                "Sysprep_Generalize_Bcd', returned error code 2",
                "Generalize:Module",
                "spbcd.dll,Sysprep_Generalize_Bcd failed",
                "what it belongs to"},
        LogCase{"NewModule",
                "ActionPlatform::LaunchModule: Failure occurred while executing "
                "'SysprepGeneralize' from C:\\Windows\\System32\\some.dll; dwRet = 0x2",
                "Generalize:Module",
                "SysprepGeneralize of C:\\Windows\\System32\\some.dll failed",
                "what it belongs to"},
        LogCase{
            "Unknown", "WinMain:Something odd", "Generalize:Sysprep", "Something odd", "articles"}),
    [](const auto& test) { return test.param.name; });

TEST(SetupLog, PrefersTheCauseToTheModuleThatItFailedIn) {
  const auto found =
      find_culprit(error_line("ActionPlatform::LaunchModule: Failure occurred while executing "
                              "'SysprepGeneralizeValidate' from C:\\Windows\\System32\\"
                              "AppxSysprep.dll; dwRet = 0x3cf2") +
                       error_line("Package A_1_x64__b was installed for a user, but not "
                                  "provisioned for all users."),
                   "");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->code, "Generalize:AppxOfOneUser");
}

TEST(SetupLog, ReadsUtf16AndSaysNothingWithoutAnError) {
  std::string wide = "\xFF\xFE";
  for (const char c : error_line("BitLocker is on for the OS volume.")) wide += {c, '\0'};
  ASSERT_TRUE(find_culprit(wide, ""));
  EXPECT_EQ(find_culprit(wide, "")->code, "Generalize:BitLocker");
  EXPECT_FALSE(find_culprit("", "2026-01-02 03:04:05, Info  SYSPRP requires a reboot\r\n"));
}

class WindowsDeprovision : public ::testing::Test {
 protected:
  Result<void> run() {
    return run_windows_deprovision({agent_, sink_, "generalize", "generalize-01", {}, {}, {}});
  }
  /// A system whose script ends with `code` after `sysprep` has done its work.
  void answer(int code, const std::string& state, const std::function<void()>& sysprep = {}) {
    agent_.answer = [=](const FakeWindows::Run& run, const GuestOutput& output) {
      if (run.command.argv[5].find("DeprovisioningScript") == std::string::npos) {
        output(GuestStream::kStdout, state + "\r\nended\r\n");
        return GuestExit{};
      }
      if (sysprep) sysprep();
      return GuestExit{GuestExit::Kind::kExited, code};
    };
  }

  FakeWindows agent_;
  test::RecordingSink sink_;
};

TEST_F(WindowsDeprovision, StagesWhatExistingScriptsEdit) {
  ASSERT_OK(stage_windows_deprovision_script(agent_, {}));
  const auto& text = agent_.files.at(kScript);
  EXPECT_EQ(text, windows_deprovisioning_script());
  EXPECT_THAT(text, HasSubstr("Sysprep.exe /oobe /generalize /quiet /quit\n"));
  EXPECT_THAT(text, HasSubstr("IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE"));
  // Whoever edits it in place writes it back in another encoding.
  EXPECT_THAT(text, Not(Contains(::testing::Truly([](char c) { return (c & 0x80) != 0; }))));
}

TEST_F(WindowsDeprovision, RunsWhateverStandsThereUnderTheWatch) {
  agent_.files[kScript] = "edited by a step\r\n";
  answer(0, "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE");
  ASSERT_OK(run());
  ASSERT_EQ(agent_.runs.size(), 2U);
  EXPECT_THAT(agent_.runs[0].command.argv[5],
              AllOf(HasSubstr("'-File', 'C:\\Windows\\Temp\\kiln-"),
                    HasSubstr(".ps1', '-Watched', $PID; & 'C:\\DeprovisioningScript.ps1'; exit "
                              "$LastExitCode")));
  EXPECT_THAT(agent_.runs[0].file("/C:/Windows/Temp/kiln-", ".ps1"), HasSubstr("Stop-Process"));
  EXPECT_THAT(sink_.events()[0].message, "edited by a step");
  EXPECT_EQ(agent_.files.size(), 1U) << "the watch was left in the image";
}

TEST_F(WindowsDeprovision, NamesTheCulpritOfThisRunOnly) {
  agent_.files[kScript] = "x";
  agent_.files[kErrors] = error_line("BitLocker is on for the OS volume, long ago.");
  answer(-1, "IMAGE_STATE_COMPLETE", [this] {
    agent_.files[kErrors] += error_line("Package A_1_x64__b was installed for a user, but not");
  });
  const auto failed = run();
  ASSERT_THAT(failed, FailsWith("Generalize:AppxOfOneUser"));
  EXPECT_THAT(failed.error().message(), HasSubstr("A_1_x64__b"));
  EXPECT_THAT(failed.error().quoted(), ElementsAre(HasSubstr("Error")));
}

TEST_F(WindowsDeprovision, FailsWithoutALogToo) {
  agent_.files[kScript] = "x";
  answer(1, "IMAGE_STATE_COMPLETE");
  EXPECT_THAT(run(), FailsWith("Generalize:ExitCode"));
  answer(0, "IMAGE_STATE_UNDEPLOYABLE");
  const auto failed = run();
  ASSERT_THAT(failed, FailsWith("Generalize:NotGeneralized"));
  EXPECT_THAT(failed.error().message(), HasSubstr("IMAGE_STATE_UNDEPLOYABLE"));
  agent_.answer = [](const auto&, const auto&) { return GuestExit{}; };
  EXPECT_THAT(run(), FailsWith("Generalize:NoImageState"));
}

/// `Sysprep.exe /shutdown` does; what came of it is on the disk.
TEST_F(WindowsDeprovision, MaySwitchTheSystemOff) {
  agent_.files[kScript] = "x";
  agent_.answer = [](const auto&, const auto&) -> Result<GuestExit> {
    return fail(ErrorKind::kGuestFailed, "Sandbox:GuestEnded", "the machine is off");
  };
  ASSERT_OK(run());
  EXPECT_EQ(agent_.runs.size(), 1U) << "nobody is left to be asked";
  EXPECT_THAT(sink_.events().back().message, HasSubstr("switched the system off"));
}

TEST_F(WindowsDeprovision, MaySwitchTheSystemOffAfterItsEnd) {
  agent_.files[kScript] = "x";
  agent_.answer = [this](const auto&, const auto&) -> Result<GuestExit> {
    if (agent_.runs.size() == 1) return GuestExit{};
    return fail(ErrorKind::kGuestFailed, "Sandbox:GuestEnded", "the machine is off");
  };
  ASSERT_OK(run());
  EXPECT_EQ(agent_.runs.size(), 2U);
  EXPECT_THAT(sink_.events().back().message, HasSubstr("switched the system off"));
}

TEST_F(WindowsDeprovision, IsSkippedWhereAStepRemovedTheScript) {
  ASSERT_OK(run());
  EXPECT_TRUE(agent_.runs.empty());
  ASSERT_EQ(sink_.events().size(), 1U);
  EXPECT_THAT(sink_.events()[0].message, HasSubstr("not generalized"));
}

}  // namespace
}  // namespace kiln
