#include "customizers/powershell/powershell.h"

#include <array>

#include "customizers/inputs.h"
#include "customizers/script_source.h"
#include "customizers/windows_command.h"
#include "customizers/windows_step.h"
#include "engine/core/file.h"

namespace kiln {
namespace {

constexpr std::array kFields = {
    kStepNameField,
    kScriptUriField,
    kInlineField,
    kChecksumField,
    Field{.name = "runElevated",
          .kind = FieldKind::kBoolean,
          .help = "run with an administrator's full token",
          .since = ApiVersion::k2019MayPreview},
    Field{.name = "runAsSystem",
          .kind = FieldKind::kBoolean,
          .help = "run as SYSTEM; only together with runElevated",
          .since = ApiVersion::k2020},
    Field{.name = "validExitCodes",
          .kind = FieldKind::kExitCodes,
          .help = "exit codes that count as success; 0 where absent",
          .since = ApiVersion::k2019Preview},
};

constexpr std::array kHints = {
    Hint{.name = "command", .field = "inline"},
    Hint{.name = "commands", .field = "inline"},
    Hint{.name = "uri", .field = "scriptUri"},
};

/// A PowerShell customizer as the template gives it.
struct PowerShellOptions {
  ScriptSource source;
  bool elevated = false;
  bool as_system = false;
  std::vector<std::int64_t> valid_exit_codes = {0};
};

class PowerShellStep final : public WindowsStep {
 public:
  PowerShellStep(const Record& record, PowerShellOptions options)
      : WindowsStep(record), options_(std::move(options)) {}

  [[nodiscard]] std::string describe() const override {
    auto text = options_.source.describe();
    if (options_.as_system) {
      text += ", as SYSTEM";
    } else if (options_.elevated) {
      text += ", elevated";
    }
    if (options_.valid_exit_codes != std::vector<std::int64_t>{0}) {
      text += fmt::format(", exit codes {}", fmt::join(options_.valid_exit_codes, " "));
    }
    return text;
  }
  [[nodiscard]] std::vector<StepInput> inputs() const override { return options_.source.inputs(); }

 protected:
  [[nodiscard]] Result<void> perform(const StepContext& context) const override {
    KILN_TRY_ASSIGN(const auto text, script_text(context));
    const auto path = fmt::format(R"({}\script-{}.ps1)", kWindowsTemp, random_uuid());
    const GuestFile script{
        windows_guest_path(path), powershell_file(text), 0644, "the step's script"};
    return with_guest_file(context, script, [&]() -> Result<void> {
      auto command = powershell_file_command(path);
      command.environment = {{"PACKER_BUILDER_TYPE", "azure-arm"},
                             {"PACKER_BUILD_NAME", "azure-arm"}};
      command.account = account();
      KILN_TRY(run_step_program(context,
                                {std::move(command),
                                 "PowerShell",
                                 "the script",
                                 options_.valid_exit_codes,
                                 windows_cure}));
      return {};
    });
  }

 private:
  [[nodiscard]] Account account() const {
    if (!options_.elevated) return Account::kLimitedAdministrator;
    return options_.as_system ? Account::kSystem : Account::kElevatedAdministrator;
  }
  /// The elements of `inline` are lines, as Packer joins them.
  [[nodiscard]] Result<std::string> script_text(const StepContext& context) const {
    if (!options_.source.script) return fmt::format("{}\n", fmt::join(options_.source.lines, "\n"));
    KILN_TRY_ASSIGN(const auto path, fetched_input(context, *options_.source.script));
    return read_file(path);
  }

  PowerShellOptions options_;
};

}  // namespace

constexpr RecordType kPowerShellType{.name = "PowerShell",
                                     .help = "runs a script in Windows, inline or from a URI",
                                     .fields = kFields,
                                     .hints = kHints,
                                     .discriminated = true,
                                     .since = ApiVersion::k2019Preview,
                                     .former = "powershell"};

Result<std::unique_ptr<Customizer>> parse_powershell(const Record& record,
                                                     const ContractContext& context) {
  PowerShellOptions options;
  KILN_TRY_ASSIGN(options.source, parse_script(record, context));
  options.elevated = record.flag("runElevated");
  options.as_system = record.flag("runAsSystem");
  if (options.as_system && !options.elevated && !record.is_unknown("runElevated")) {
    context.error(record.at("runAsSystem"),
                  "PowerShell:NotElevated",
                  "runAsSystem is only allowed together with runElevated",
                  "runElevated true",
                  "add \"runElevated\": true");
  }
  if (record.has("validExitCodes")) options.valid_exit_codes = record.exit_codes("validExitCodes");
  if (options.valid_exit_codes.empty()) options.valid_exit_codes = {0};
  return std::make_unique<PowerShellStep>(record, std::move(options));
}

}  // namespace kiln
