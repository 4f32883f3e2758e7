#include "engine/sandbox/guest/system_state.h"

#include "engine/core/text.h"
#include "engine/sandbox/ask_system.h"

namespace kiln {
namespace {

constexpr auto kAnswerPatience = std::chrono::minutes(2);

/// Polls rather than `--wait`, which waits for ever where the message bus does not come up.
constexpr const char* kAwait = R"sh(
while :; do
  state=$(systemctl is-system-running 2>/dev/null)
  case $state in
    initializing | starting | '') sleep 1 ;;
    *) break ;;
  esac
done
echo "$state"
[ "$state" != degraded ] || systemctl --failed --plain --no-legend --no-pager)sh";
constexpr const char* kJobs = "systemctl list-jobs --plain --no-legend --no-pager";

Result<SystemAnswer> ask(GuestAgent& agent,
                         const char* script,
                         std::chrono::milliseconds limit,
                         const CancelToken& cancel) {
  GuestCommand command;
  command.argv = {"sh", "-c", script};
  command.environment = {{"LC_ALL", "C"}};
  command.directory = "/";
  command.time_limit = limit;
  return ask_system(agent, command, cancel);
}

std::string in_one_line(const std::vector<std::string>& lines) {
  return printable(fmt::format("{}", fmt::join(lines, "; ")));
}

}  // namespace

Result<void> await_system(GuestAgent& agent,
                          InitSystem init,
                          EventSink& events,
                          std::chrono::milliseconds patience,
                          const CancelToken& cancel) {
  if (init == InitSystem::kSysvinit) return {};
  KILN_TRY_ASSIGN(const auto answer, ask(agent, kAwait, patience, cancel));
  if (answer.exit.kind == GuestExit::Kind::kTimedOut) {
    KILN_TRY_ASSIGN(const auto jobs, ask(agent, kJobs, kAnswerPatience, cancel));
    warning(events,
            fmt::format("the image's system has not finished starting after {}; steps begin all "
                        "the same. It waits for: {}",
                        format_duration(patience),
                        in_one_line(split_lines(jobs.out))));
    return {};
  }
  auto lines = split_lines(answer.out);
  const std::string state = lines.empty() ? std::string("unknown") : lines.front();
  if (state == "running") return {};
  if (!lines.empty()) lines.erase(lines.begin());
  warning(events,
          fmt::format("the image's system is {}{}{}",
                      printable(state),
                      lines.empty() ? "" : ": ",
                      in_one_line(lines)));
  return {};
}

Result<std::string> boot_id(GuestAgent& agent, const CancelToken& cancel) {
  KILN_TRY_ASSIGN(const auto answer,
                  ask(agent, "cat /proc/sys/kernel/random/boot_id", kAnswerPatience, cancel));
  return std::string(trim(answer.out));
}

const char* shutdown_command(InitSystem init, Shutdown what) {
  const bool reboot = what == Shutdown::kReboot;
  if (init == InitSystem::kSysvinit) return reboot ? "shutdown -r now" : "shutdown -h -P now";
  return reboot ? "systemctl --no-block reboot" : "systemctl --no-block poweroff";
}

Result<void> ask_for_shutdown(GuestAgent& agent,
                              const char* command,
                              std::chrono::milliseconds patience,
                              const CancelToken& cancel) {
  KILN_TRY_ASSIGN(const auto answer, ask(agent, command, patience, cancel));
  if (answer.exit.ok()) return {};
  return fail(ErrorKind::kGuestFailed,
              "Sandbox:ShutdownRefused",
              "`{}` failed in the image's system",
              command)
      .quoting(split_lines(answer.out))
      .cure("find the step that changed how the system shuts down");
}

}  // namespace kiln
