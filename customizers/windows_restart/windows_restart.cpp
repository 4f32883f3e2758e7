#include "customizers/windows_restart/windows_restart.h"

#include <array>
#include <charconv>

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

/// `90s`, `5m`, `1h30m`; nothing where it is none of that kind or overflows.
std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
  constexpr std::int64_t kLongest = 366LL * 24 * 3600;
  std::int64_t total = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    std::int64_t amount = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), amount);
    if (parsed.ec != std::errc() || amount < 0 || amount > kLongest) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
    if (text.empty()) return std::nullopt;
    const auto scale = text.front() == 's' ? 1 : text.front() == 'm' ? 60 : 3600;
    if (scale == 3600 && text.front() != 'h') return std::nullopt;
    text.remove_prefix(1);
    total += amount * scale;
    if (total > kLongest) return std::nullopt;
  }
  return std::chrono::seconds(total);
}

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
  if (const auto text = record.text("restartTimeout"); !text.empty()) {
    const auto timeout = parse_duration(text);
    if (!timeout || timeout->count() == 0) {
      return record.at("restartTimeout")
          .error("WindowsRestart:BadTimeout",
                 fmt::format("\"{}\" is not a length of time", printable(text, 40)))
          .expecting("a number and a unit: s, m or h")
          .cure("write a number and a unit, e.g. 5m or 1h");
    }
    options.timeout = *timeout;
  }
  return std::make_unique<WindowsRestartStep>(record, std::move(options));
}

}  // namespace kiln
