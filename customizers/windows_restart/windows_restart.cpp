#include "customizers/windows_restart/windows_restart.h"

#include <algorithm>
#include <array>
#include <thread>

#include "customizers/restart_timeout.h"
#include "customizers/script_source.h"
#include "customizers/windows_command.h"
#include "customizers/windows_step.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

constexpr std::array kFields = {
    kStepNameField,
    Field{.name = "restartCommand",
          .help = "the command that restarts",
          .since = ApiVersion::k2019Preview},
    Field{.name = "restartCheckCommand",
          .help = "a command that can be started once Windows is back",
          .since = ApiVersion::k2019Preview},
    Field{.name = "restartTimeout",
          .help = "how long to wait, as magnitude and unit; 5m where absent",
          .since = ApiVersion::k2019Preview},
};

/// A WindowsRestart customizer as the template gives it.
struct RestartOptions {
  std::string command = R"(shutdown /r /f /t 0 /c "packer restart")";
  std::string check_command;
  std::chrono::seconds timeout = std::chrono::minutes(5);
};

class WindowsRestartStep final : public WindowsStep {
 public:
  WindowsRestartStep(const Record& record, RestartOptions options)
      : WindowsStep(record), options_(std::move(options)) {}

  [[nodiscard]] std::string describe() const override {
    auto text = fmt::format(
        "{}, within {}", printable(options_.command, 80), format_duration(options_.timeout));
    if (!options_.check_command.empty()) {
      text += fmt::format(", then {}", printable(options_.check_command, 80));
    }
    return text;
  }

 protected:
  [[nodiscard]] Result<void> perform(const StepContext& context) const override {
    KILN_CHECK(context.await_restart);  // the plan chose a sandbox that can
    const auto deadline = Clock::now() + options_.timeout;
    KILN_TRY(with_batch(context, options_.command, "the restart command", [&](auto command) {
      return restart(context, std::move(command));
    }));
    if (!options_.check_command.empty()) KILN_TRY(run_check_command(context, deadline));
    KILN_TRY(await_powershell(context, deadline));
    emit_step_line(context, GuestStream::kStdout, "the system has restarted");
    return {};
  }

 private:
  using Clock = std::chrono::steady_clock;

  /// Both commands are lines for cmd.exe.
  static Result<void> with_batch(const StepContext& context,
                                 const std::string& line,
                                 std::string_view what,
                                 const std::function<Result<void>(GuestCommand)>& use) {
    const auto path = fmt::format(R"({}\kiln-{}.cmd)", kWindowsTemp, random_uuid());
    return with_guest_file(context, {windows_guest_path(path), batch_file(line), 0644, what}, [&] {
      return use(batch_command(path));
    });
  }

  [[nodiscard]] Result<void> restart(const StepContext& context, GuestCommand command) const {
    // Also ERROR_SHUTDOWN_IN_PROGRESS and ERROR_SHUTDOWN_IS_SCHEDULED.
    constexpr std::int64_t kValid[] = {0, 1115, 1190};
    return restart_windows(
        context,
        {std::move(command), "WindowsRestart", "the restart command", kValid, windows_cure},
        options_.timeout);
  }

  /// That it can be started is all that counts, as in the service.
  [[nodiscard]] Result<void> run_check_command(const StepContext& context,
                                               Clock::time_point deadline) const {
    return with_batch(
        context,
        options_.check_command,
        "restartCheckCommand",
        [&](GuestCommand command) -> Result<void> {
          const auto left =
              std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
          command.time_limit = std::max(left, std::chrono::milliseconds(1));
          KILN_TRY_ASSIGN(const auto answer,
                          ask_command(context.agent, std::move(command), context.cancel));
          for (const auto& line : windows_lines(answer.out)) {
            emit_step_line(context, GuestStream::kStdout, line);
          }
          return {};
        });
  }

  [[nodiscard]] Result<void> await_powershell(const StepContext& context,
                                              Clock::time_point deadline) const {
    constexpr auto kTryEvery = std::chrono::seconds(5);
    for (;;) {
      KILN_TRY_ASSIGN(
          const auto answer,
          ask_powershell(
              context.agent, R"(Write-Output "${env:COMPUTERNAME} restarted.")", context.cancel));
      if (answer.out.find("restarted.") != std::string::npos) return {};
      if (Clock::now() + kTryEvery >= deadline) {
        return fail(ErrorKind::kTimeout,
                    "WindowsRestart:Timeout",
                    "Timeout waiting for machine to restart.")
            .quoting(windows_lines(answer.out))
            .cure("raise restartTimeout, which is " + format_duration(options_.timeout));
      }
      KILN_TRY(context.cancel.check());
      std::this_thread::sleep_for(kTryEvery);
    }
  }

  RestartOptions options_;
};

}  // namespace

constexpr RecordType kWindowsRestartType{.name = "WindowsRestart",
                                         .help = "restarts Windows",
                                         .fields = kFields,
                                         .discriminated = true,
                                         .since = ApiVersion::k2019Preview};

Result<std::unique_ptr<Customizer>> parse_windows_restart(const Record& record,
                                                          const ContractContext& /*context*/) {
  RestartOptions options;
  if (const auto text = record.text("restartCommand"); !text.empty()) options.command = text;
  options.check_command = record.text("restartCheckCommand");
  KILN_TRY_ASSIGN(options.timeout, read_restart_timeout(record, options.timeout));
  return std::make_unique<WindowsRestartStep>(record, std::move(options));
}

}  // namespace kiln
