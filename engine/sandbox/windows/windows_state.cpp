#include "engine/sandbox/windows/windows_state.h"

#include <algorithm>
#include <array>

#include "disk/servicing/windows_agent.h"
#include "engine/core/text.h"
#include "engine/sandbox/ask_system.h"

namespace kiln {
namespace {

Result<SystemAnswer> ask(GuestAgent& agent,
                         std::vector<std::string> argv,
                         std::chrono::milliseconds limit,
                         const CancelToken& cancel) {
  GuestCommand command;
  command.argv = std::move(argv);
  command.directory = "/C:/Windows/System32";
  command.time_limit = limit;
  return ask_system(agent, command, cancel);
}

std::vector<std::string> lines_of(const std::string& out) {
  std::vector<std::string> lines;
  for (const auto& line : split_lines(out)) lines.push_back(printable(trim(line)));
  return lines;
}

std::vector<std::string> shutdown_command(WindowsShutdown what) {
  return {R"(C:\Windows\System32\shutdown.exe)",
          what == WindowsShutdown::kRestart ? "/r" : "/s",
          "/f",
          "/t",
          "0"};
}

}  // namespace

std::string windows_shutdown_line(WindowsShutdown what) {
  return fmt::format("`{}`", fmt::join(shutdown_command(what), " "));
}

Result<void> ask_windows_for_shutdown(GuestAgent& agent,
                                      WindowsShutdown what,
                                      std::chrono::milliseconds patience,
                                      const CancelToken& cancel) {
  KILN_TRY_ASSIGN(const auto answer, ask(agent, shutdown_command(what), patience, cancel));
  // ERROR_SHUTDOWN_IN_PROGRESS and ERROR_SHUTDOWN_IS_SCHEDULED.
  constexpr std::array kUnderWay = {1115, 1190};
  const bool under_way =
      answer.exit.kind == GuestExit::Kind::kExited &&
      std::find(kUnderWay.begin(), kUnderWay.end(), answer.exit.code) != kUnderWay.end();
  if (answer.exit.ok() || under_way) return {};
  return fail(ErrorKind::kGuestFailed,
              "Sandbox:ShutdownRefused",
              "{} failed in the image's system",
              windows_shutdown_line(what))
      .quoting(lines_of(answer.out))
      .cure("find the step that changed how the system shuts down");
}

Result<void> withdraw_windows_agent(GuestAgent& agent, const CancelToken& cancel) {
  constexpr auto kPatience = std::chrono::minutes(5);
  KILN_TRY_ASSIGN(const auto answer,
                  ask(agent, {std::string(kWindowsAgentPath), "--remove"}, kPatience, cancel));
  if (answer.exit.ok()) return {};
  return fail(ErrorKind::kGuestFailed,
              "Sandbox:AgentNotRemoved",
              "Kiln's account and service could not be removed from the image's system")
      .quoting(lines_of(answer.out))
      .cure("look for the step that holds on to them, or that removed the agent's program");
}

Result<bool> windows_sets_itself_up(GuestAgent& agent, const CancelToken& cancel) {
  constexpr auto kPatience = std::chrono::minutes(2);
  KILN_TRY_ASSIGN(const auto answer,
                  ask(agent,
                      {R"(C:\Windows\System32\reg.exe)",
                       "query",
                       R"(HKLM\SYSTEM\Setup)",
                       "/v",
                       "SystemSetupInProgress"},
                      kPatience,
                      cancel));
  // `    SystemSetupInProgress    REG_DWORD    0x1`, in every language.
  return answer.exit.ok() && answer.out.find("0x1") != std::string::npos;
}

}  // namespace kiln
