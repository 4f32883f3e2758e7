// Pieces of the agent for Windows that need no Windows.
#include <gtest/gtest.h>

#include "engine/agent/windows/command_line.h"
#include "engine/agent/windows/wildcard.h"

namespace kiln::agent {
namespace {

TEST(CommandLine, IsTakenApartIntoTheSameArguments) {
  EXPECT_EQ(command_line({"a.exe", "b", "c d", ""}), R"(a.exe b "c d" "")");
  EXPECT_EQ(command_line({"a.exe", R"(say "x")", R"(C:\a b\)"}), R"(a.exe "say \"x\"" "C:\a b\\")");
  EXPECT_EQ(command_line({R"(C:\a b\c.exe)", R"(\")", R"(\)"}), R"("C:\a b\c.exe" "\\\"" \)");
}

TEST(CommandLine, LeavesWhatIsForCmdAsItIs) {
  EXPECT_EQ(command_line({"cmd", "/c", R"("C:\a b\c.cmd" "x y")"}),
            R"(cmd /s /c ""C:\a b\c.cmd" "x y"")");
  EXPECT_EQ(command_line({R"(C:\Windows\System32\CMD.EXE)", "/d", "/K", "echo", "a & b"}),
            R"(C:\Windows\System32\CMD.EXE /d /s /k "echo a & b")");
  // Another program's /c is an argument like others.
  EXPECT_EQ(command_line({"shutdown", "/r", "/c", "a b"}), R"(shutdown /r /c "a b")");
}

TEST(WindowsWildcard, FitsAsInAShellButForCase) {
  for (const auto& [pattern, name] : {std::pair{L"*", L""},
                                      {L"*", L".hidden"},
                                      {L"*.LOG", L"a.b.log"},
                                      {L"a*b*c", L"aXbYbZc"},
                                      {L"u?", L"U1"},
                                      {L"[a-c]x", L"BX"},
                                      {L"[!a]x", L"bx"},
                                      {L"[]]x", L"]x"},
                                      {L"[x", L"[x"},
                                      {L"grÜsse*", L"GRÜSSE.txt"}}) {
    EXPECT_TRUE(matches(pattern, name)) << testing::PrintToString(pattern);
  }
  for (const auto& [pattern, name] : {std::pair{L"", L"a"},
                                      {L"a", L""},
                                      {L"?", L""},
                                      {L"*.log", L"log"},
                                      {L"a*b", L"abc"},
                                      {L"[a-c]x", L"dx"},
                                      {L"[!a]x", L"Ax"},
                                      {L"u?", L"u"}}) {
    EXPECT_FALSE(matches(pattern, name)) << testing::PrintToString(pattern);
  }
}

}  // namespace
}  // namespace kiln::agent
