#include "customizers/shell/shell.h"

#include <array>
#include <random>

#include "customizers/inputs.h"
#include "customizers/script_source.h"
#include "customizers/shell/script.h"
#include "customizers/step_command.h"
#include "engine/core/file.h"

namespace kiln {
namespace {

constexpr std::array kFields = {kStepNameField, kScriptUriField, kInlineField, kChecksumField};

/// Fields that people bring from elsewhere.
constexpr std::array kHints = {
    Hint{"validExitCodes",
         "a Shell customizer has no validExitCodes; its script must end with exit code 0",
         "handle the other exit codes in the script"},
    Hint{.name = "command", .field = "inline"},
    Hint{.name = "commands", .field = "inline"},
    Hint{.name = "uri", .field = "scriptUri"},
    Hint{"env", "a Shell customizer has no environment fields", "set the variables in the script"},
    Hint{"environmentVars",
         "a Shell customizer has no environment fields",
         "set the variables in the script"},
    Hint{"runElevated",
         "only PowerShell customizers have runElevated; a Shell script runs as root",
         "remove the field"},
    Hint{"runAsSystem",
         "only PowerShell customizers have runAsSystem; a Shell script runs as root",
         "remove the field"},
};

/// A name that the guest does not use, of the form that Packer gives its scripts: people write
/// `/tmp/script_*.sh` into their own clean-up.
Result<std::string> free_script_path(const StepContext& context) {
  constexpr int kAttempts = 20;
  std::random_device random;
  std::uniform_int_distribution<int> number(0, 9998);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto path = fmt::format("/tmp/script_{}.sh", number(random));
    KILN_TRY_ASSIGN(
        const auto taken,
        ask_guest(context.agent, R"([ -e "$1" ] || [ -L "$1" ])", {path}, context.cancel));
    if (taken.code != 0) return path;
  }
  return fail(ErrorKind::kGuestFailed,
              "Shell:NoFreeName",
              "found no free name /tmp/script_<number>.sh in the image")
      .cure("empty the image's /tmp");
}

class ShellCustomizer : public Customizer {
 public:
  ShellCustomizer(const Record& record, ScriptSource source)
      : name_(record.text("name")), source_(std::move(source)), where_(record.place().where()) {}

  [[nodiscard]] std::string_view type() const override { return "Shell"; }
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] std::string describe() const override { return source_.describe(); }
  [[nodiscard]] std::vector<StepInput> inputs() const override { return source_.inputs(); }
  [[nodiscard]] StepSystem system() const override { return StepSystem::kLinux; }

  Result<void> run(const StepContext& context) const override {
    auto outcome = stage_and_run(context);
    if (!outcome) return std::move(outcome).error().at(where_);
    return {};
  }

 private:
  [[nodiscard]] Result<std::string> script_text(const StepContext& context) const {
    if (!source_.script) return to_unix_lines(join_inline(source_.lines));
    KILN_TRY_ASSIGN(const auto path, fetched_input(context, *source_.script));
    KILN_TRY_ASSIGN(const auto text, read_file(path));
    return to_unix_lines(text);
  }

  [[nodiscard]] Result<void> stage_and_run(const StepContext& context) const {
    KILN_TRY_ASSIGN(const auto text, script_text(context));
    KILN_TRY_ASSIGN(const auto path, free_script_path(context));
    return with_guest_file(context, {path, text, 0755, "the step's script"}, [&] {
      GuestCommand command;
      // Through a shell, as Packer does: a script without `#!` then runs under sh, and a wrong
      // interpreter gives the shell's own message.
      command.argv = {"sh", "-c", path};
      command.environment = {{"PACKER_BUILDER_TYPE", "azure-arm"},
                             {"PACKER_BUILD_NAME", "azure-arm"}};
      return run_step_command(context, std::move(command), "Shell", "the script");
    });
  }

  std::string name_;
  ScriptSource source_;
  std::string where_;
};

}  // namespace

constexpr RecordType kShellType{.name = "Shell",
                                .help = "runs a script in a Linux image, inline or from a URI",
                                .fields = kFields,
                                .hints = kHints,
                                .discriminated = true,
                                .former = "shell"};

Result<std::unique_ptr<Customizer>> parse_shell(const Record& record,
                                                const ContractContext& context) {
  KILN_TRY_ASSIGN(auto source, parse_script(record, context));
  return std::make_unique<ShellCustomizer>(record, std::move(source));
}

}  // namespace kiln
