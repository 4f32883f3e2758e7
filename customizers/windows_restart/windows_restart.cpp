#include "customizers/windows_restart/windows_restart.h"

#include <array>

#include "customizers/restart_timeout.h"
#include "customizers/script_source.h"
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

class WindowsRestartStep : public WindowsStep {
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

 private:
  RestartOptions options_;
};

}  // namespace

constexpr RecordType kWindowsRestartType{.name = "WindowsRestart",
                                         .help = "restarts Windows; planned, not yet run",
                                         .fields = kFields,
                                         .discriminated = true,
                                         .since = ApiVersion::k2019Preview,
                                         .planned = true};

Result<std::unique_ptr<Customizer>> parse_windows_restart(const Record& record,
                                                          const ContractContext& /*context*/) {
  RestartOptions options;
  if (const auto text = record.text("restartCommand"); !text.empty()) options.command = text;
  options.check_command = record.text("restartCheckCommand");
  KILN_TRY_ASSIGN(options.timeout, read_restart_timeout(record, options.timeout));
  return std::make_unique<WindowsRestartStep>(record, std::move(options));
}

}  // namespace kiln
