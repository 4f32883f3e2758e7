#include <array>
#include <thread>

#include "customizers/embedded_scripts.h"
#include "customizers/generalize/generalize.h"
#include "customizers/generalize/windows/setup_log.h"
#include "customizers/windows_command.h"
#include "engine/core/bytes.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

constexpr std::uint64_t kScriptLimit = kMiB;
constexpr std::uint64_t kLogLimit = 64 * kMiB;
constexpr std::string_view kGeneralized = "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE";

/// Prints the image's state and, on a second line, whether a sysprep runs.
constexpr std::string_view kAskState =
    R"((Get-ItemProperty HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Setup\State).ImageState; )"
    "if (Get-Process -Name sysprep -ErrorAction SilentlyContinue) { 'running' } else { 'ended' }";

/// What an earlier sysprep, of whoever made the image, has written is none of this one's.
class SetupLog {
 public:
  explicit SetupLog(std::string_view name)
      : path_(fmt::format("/C:/Windows/System32/Sysprep/Panther/{}", name)) {}

  Result<void> mark(const StepContext& context) {
    KILN_TRY_ASSIGN(const auto text, read(context));
    old_ = text.size();
    return {};
  }
  [[nodiscard]] Result<std::string> written_since(const StepContext& context) const {
    KILN_TRY_ASSIGN(auto text, read(context));
    if (text.size() < old_) return text;  // begun anew
    // A mark tells the encoding.
    const bool wide = text.starts_with("\xFF\xFE") && old_ > 0;
    return (wide ? "\xFF\xFE" : "") + text.substr(old_);
  }

 private:
  [[nodiscard]] Result<std::string> read(const StepContext& context) const {
    auto text = context.agent.get(path_, kLogLimit, context.cancel);
    if (!text && text.error().kind() == ErrorKind::kNotFound) return std::string();
    return text;
  }

  std::string path_;
  std::size_t old_ = 0;
};

struct SetupLogs {
  SetupLog errors{"setuperr.log"};
  SetupLog actions{"setupact.log"};
};

struct ImageState {
  std::string name;
  bool sysprep_runs = false;
};

Result<ImageState> ask_state(const StepContext& context) {
  KILN_TRY_ASSIGN(const auto answer, ask_powershell(context.agent, kAskState, context.cancel));
  const auto lines = windows_lines(answer.out);
  if (answer.code == 0 && lines.size() == 2) return ImageState{lines[0], lines[1] == "running"};
  return fail(ErrorKind::kGuestFailed,
              "Generalize:NoImageState",
              "the state of the image cannot be read from the registry of Windows")
      .quoting(lines)
      .cure(R"(undo what a step did to HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Setup)");
}

/// For scripts that end before sysprep does.
Result<ImageState> await_sysprep(const StepContext& context) {
  constexpr auto kLookEvery = std::chrono::seconds(5);
  constexpr auto kLongest = std::chrono::minutes(30);
  const auto deadline = std::chrono::steady_clock::now() + kLongest;
  for (;;) {
    KILN_TRY_ASSIGN(auto state, ask_state(context));
    if (state.name == kGeneralized || !state.sysprep_runs) return state;
    if (std::chrono::steady_clock::now() >= deadline) return state;
    KILN_TRY(context.cancel.check());
    std::this_thread::sleep_for(kLookEvery);
  }
}

/// @param script why the script itself failed, where it did
Error not_generalized(const StepContext& context,
                      const SetupLogs& logs,
                      const ImageState& state,
                      const Result<void>& script) {
  const auto errors = logs.errors.written_since(context);
  const auto actions = logs.actions.written_since(context);
  const auto found = find_culprit(errors.value_or(""), actions.value_or(""));
  if (found) {
    return fail(ErrorKind::kGuestFailed, found->code, "{}", found->message)
        .quoting({printable(found->line)})
        .cure(found->cure);
  }
  if (!script) return script.error();
  return fail(ErrorKind::kGuestFailed,
              "Generalize:NotGeneralized",
              "the deprovisioning script has ended, and the image's state is {} in place of {}",
              printable(state.name, 60),
              kGeneralized)
      .cure(fmt::format("look for the step that changes {}", kWindowsDeprovisionScriptPath));
}

/// The script runs in the process that the watch is told of, so its output arrives as it comes.
GuestCommand watched(std::string_view watch) {
  return powershell_command(fmt::format(
      "Start-Process -FilePath powershell.exe -WindowStyle Hidden -ArgumentList '-NonInteractive', "
      "'-ExecutionPolicy', 'Bypass', '-File', {}, '-Watched', $PID; & {}; exit $LastExitCode",
      powershell_literal(watch),
      powershell_literal(kWindowsDeprovisionScriptPath)));
}

Result<void> run_script(const StepContext& context) {
  const auto path = fmt::format(R"({}\kiln-{}.ps1)", kWindowsTemp, random_uuid());
  const GuestFile watch{windows_guest_path(path),
                        powershell_file(watch_sysprep_script()),
                        0644,
                        "the watch over sysprep"};
  return with_guest_file(context, watch, [&]() -> Result<void> {
    constexpr std::int64_t kSuccess[] = {0};
    KILN_TRY(run_step_program(
        context,
        {watched(path), "Generalize", "the deprovisioning script", kSuccess, windows_cure}));
    return {};
  });
}

/// As `Sysprep.exe /shutdown` does, before the script that started it has ended or after.
bool is_switched_off(const Error& error) {
  return error.code() == "Sandbox:GuestEnded";
}

Result<void> tell_switched_off(const StepContext& context) {
  notice(context.events,
         "the deprovisioning script switched the system off; its image state is looked for on "
         "the disk",
         context.phase);
  return {};
}

}  // namespace

Result<void> stage_windows_deprovision_script(GuestAgent& agent, const CancelToken& cancel) {
  // Without a byte order mark: scripts that edit it in place write it back in their own encoding.
  KILN_TRY_WHILE(agent.put(windows_deprovisioning_script(),
                           windows_guest_path(kWindowsDeprovisionScriptPath),
                           0644,
                           cancel),
                 "staging the deprovisioning script");
  return {};
}

Result<void> run_windows_deprovision(const StepContext& context) {
  const auto script = context.agent.get(
      windows_guest_path(kWindowsDeprovisionScriptPath), kScriptLimit, context.cancel);
  if (!script && script.error().kind() == ErrorKind::kNotFound) {
    warning(context.events,
            fmt::format("a step removed {}; the image is not generalized, as in the service",
                        kWindowsDeprovisionScriptPath),
            context.phase);
    return {};
  }
  KILN_TRY_WHILE(script, "reading {}", kWindowsDeprovisionScriptPath);
  for (const auto& line : windows_lines(*script)) {
    emit_step_line(context, GuestStream::kStdout, line);
  }
  SetupLogs logs;
  KILN_TRY(logs.errors.mark(context));
  KILN_TRY(logs.actions.mark(context));
  const auto run = run_script(context);
  if (!run && is_switched_off(run.error())) return tell_switched_off(context);
  if (!run && run.error().kind() != ErrorKind::kGuestFailed) return run.error();
  const auto state = await_sysprep(context);
  if (!state && is_switched_off(state.error())) return tell_switched_off(context);
  if (!state) return state.error();
  if (run && state->name == kGeneralized) return {};
  return not_generalized(context, logs, *state, run)
      .while_doing(
          fmt::format("running {}, which a step may have changed", kWindowsDeprovisionScriptPath));
}

}  // namespace kiln
