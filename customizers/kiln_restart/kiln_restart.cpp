#include "customizers/kiln_restart/kiln_restart.h"

#include <array>
#include <thread>

#include "customizers/generalize/generalize.h"
#include "customizers/restart_timeout.h"
#include "customizers/script_source.h"
#include "customizers/step_command.h"
#include "engine/core/bytes.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

constexpr std::array kFields = {
    kStepNameField,
    Field{.name = "restartTimeout",
          .help = "how long to wait, as magnitude and unit; 15m where absent",
          .extension = true},
    Field{.name = "restartCheckCommand",
          .help = "a shell command that must succeed before the next step, tried every 5 s",
          .extension = true},
};

constexpr auto kTryEvery = std::chrono::seconds(5);

class KilnRestart : public Customizer {
 public:
  KilnRestart(const Record& record, std::chrono::seconds timeout)
      : name_(record.text("name")),
        check_command_(record.text("restartCheckCommand")),
        timeout_(timeout),
        where_(record.place().where()) {}

  [[nodiscard]] std::string_view type() const override { return "KilnRestart"; }
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] std::string describe() const override {
    auto text = fmt::format("restarts the system, within {}", format_duration(timeout_));
    if (!check_command_.empty()) text += ", then " + printable(check_command_, 80);
    return text;
  }
  [[nodiscard]] StepSystem system() const override { return StepSystem::kLinux; }
  [[nodiscard]] std::string_view needs_boot() const override {
    return "only a running system can be restarted";
  }

  Result<void> run(const StepContext& context) const override {
    auto outcome = restart(context);
    if (!outcome) return std::move(outcome).error().at(where_);
    return {};
  }

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] Result<void> restart(const StepContext& context) const {
    KILN_CHECK(context.restart);  // the plan chose a sandbox that can
    const auto deadline = Clock::now() + timeout_;
    KILN_TRY_ASSIGN(const auto script, deprovision_script(context));
    KILN_TRY(context.restart(timeout_));
    KILN_TRY(restore(context, script));
    if (!check_command_.empty()) KILN_TRY(await_check(context, deadline));
    emit_step_line(context, GuestStream::kStdout, "the system has restarted");
    return {};
  }

  /// Many systems empty /tmp when they start, and a step may have changed what stands there.
  static Result<std::optional<std::string>> deprovision_script(const StepContext& context) {
    auto script = context.agent.get(std::string(kDeprovisionScriptPath), kMiB, context.cancel);
    if (script) return std::optional(*std::move(script));
    if (script.error().kind() == ErrorKind::kNotFound) return std::optional<std::string>();
    return std::move(script).error();
  }

  static Result<void> restore(const StepContext& context,
                              const std::optional<std::string>& script) {
    if (!script) return {};
    KILN_TRY_ASSIGN(const auto now, deprovision_script(context));
    if (now) return {};
    return context.agent.put(*script, std::string(kDeprovisionScriptPath), 0755, context.cancel);
  }

  [[nodiscard]] Result<void> await_check(const StepContext& context,
                                         Clock::time_point deadline) const {
    for (;;) {
      KILN_TRY_ASSIGN(const auto answer,
                      ask_guest(context.agent, check_command_, {}, context.cancel));
      if (answer.code == 0) return {};
      if (Clock::now() + kTryEvery >= deadline) {
        return fail(ErrorKind::kGuestFailed,
                    "KilnRestart:CheckFailed",
                    "the system has restarted, but restartCheckCommand still ends with exit code "
                    "{} after {}",
                    answer.code,
                    format_duration(timeout_))
            .quoting(split_lines(answer.out))
            .cure("raise restartTimeout, or correct the command");
      }
      KILN_TRY(context.cancel.check());
      std::this_thread::sleep_for(kTryEvery);
    }
  }

  std::string name_;
  std::string check_command_;
  std::chrono::seconds timeout_;
  std::string where_;
};

}  // namespace

constexpr RecordType kKilnRestartType{.name = "KilnRestart",
                                      .help = "restarts a booted Linux image; Kiln's own extension",
                                      .fields = kFields,
                                      .discriminated = true,
                                      .extension = true};

Result<std::unique_ptr<Customizer>> parse_kiln_restart(const Record& record,
                                                       const ContractContext& /*context*/) {
  KILN_TRY_ASSIGN(const auto timeout, read_restart_timeout(record, std::chrono::minutes(15)));
  return std::make_unique<KilnRestart>(record, timeout);
}

}  // namespace kiln
