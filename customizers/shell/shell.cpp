#include "customizers/shell/shell.h"

#include <array>
#include <random>

#include "customizers/inputs.h"
#include "customizers/shell/script.h"
#include "customizers/step_command.h"
#include "engine/core/file.h"
#include "engine/core/redact.h"

namespace kiln {
namespace {

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
  ShellCustomizer(std::string name,
                  std::vector<std::string> lines,
                  std::optional<StepInput> script,
                  std::string where)
      : name_(std::move(name)),
        lines_(std::move(lines)),
        script_(std::move(script)),
        where_(std::move(where)) {}

  [[nodiscard]] std::string_view type() const override { return "Shell"; }
  [[nodiscard]] const std::string& name() const override { return name_; }

  [[nodiscard]] std::string describe() const override {
    if (script_) return fmt::format("script {}", redact_url(script_->uri));
    return fmt::format("{} inline line{}", lines_.size(), lines_.size() == 1 ? "" : "s");
  }

  [[nodiscard]] std::vector<StepInput> inputs() const override {
    if (!script_) return {};
    return {*script_};
  }

  Result<void> run(const StepContext& context) const override {
    auto outcome = stage_and_run(context);
    if (!outcome) return std::move(outcome).error().at(where_);
    return {};
  }

 private:
  [[nodiscard]] Result<std::string> script_text(const StepContext& context) const {
    if (!script_) return to_unix_lines(join_inline(lines_));
    KILN_TRY_ASSIGN(const auto path, fetched_input(context, *script_));
    KILN_TRY_ASSIGN(const auto text, read_file(path));
    return to_unix_lines(text);
  }

  [[nodiscard]] Result<void> stage_and_run(const StepContext& context) const {
    KILN_TRY_ASSIGN(const auto text, script_text(context));
    KILN_TRY_ASSIGN(const auto path, free_script_path(context));
    auto outcome = put_and_run(context, text, path);
    // Removed whatever happened, so not under the step's own token: that one may be cancelled.
    const auto removed = context.agent.remove(path, CancelToken());
    if (!outcome && !removed) return std::move(outcome).error().followed_by(removed.error());
    if (!outcome) return outcome;
    KILN_TRY_WHILE(removed, "removing the step's script {} from the guest", path);
    return {};
  }

  static Result<void> put_and_run(const StepContext& context,
                                  const std::string& text,
                                  const std::string& path) {
    KILN_TRY_WHILE(context.agent.put(text, path, 0755, context.cancel),
                   "putting the step's script into the guest");
    GuestCommand command;
    // Through a shell, as Packer does: a script without `#!` then runs under sh, and a wrong
    // interpreter gives the shell's own message.
    command.argv = {"sh", "-c", path};
    command.environment = {{"PACKER_BUILDER_TYPE", "azure-arm"},
                           {"PACKER_BUILD_NAME", "azure-arm"}};
    return run_step_command(context, std::move(command), "Shell", "the script");
  }

  std::string name_;
  std::vector<std::string> lines_;
  std::optional<StepInput> script_;
  std::string where_;
};

struct ForeignField {
  std::string_view name;
  std::string_view message;
  std::string_view cure;
};

/// Fields that people bring from elsewhere; a plain "unknown field" would leave them guessing.
constexpr std::array kForeignFields = {
    ForeignField{"validExitCodes",
                 "a Shell customizer has no validExitCodes; its script must end with exit code 0",
                 "handle the other exit codes in the script"},
    ForeignField{
        "env", "a Shell customizer has no environment fields", "set the variables in the script"},
    ForeignField{"environmentVars",
                 "a Shell customizer has no environment fields",
                 "set the variables in the script"},
    ForeignField{"runElevated",
                 "only PowerShell customizers have runElevated; a Shell script runs as root",
                 "remove the field"},
    ForeignField{"runAsSystem",
                 "only PowerShell customizers have runAsSystem; a Shell script runs as root",
                 "remove the field"},
    ForeignField{"script",
                 "the field \"script\" is called scriptUri since api-version 2019-05-01-preview",
                 "rename it to scriptUri"},
};

Result<void> refuse_foreign_fields(const JsonReader& body) {
  for (const auto& field : kForeignFields) {
    if (const auto member = body.find(field.name)) {
      return member->error("Shell:ForeignField", std::string(field.message))
          .cure(std::string(field.cure));
    }
  }
  return {};
}

Result<std::vector<std::string>> parse_inline(const JsonReader& body, const JsonReader& field) {
  KILN_TRY_ASSIGN(auto lines, field.as_strings());
  if (lines.empty()) {
    return field.error("Shell:NoLines", "the field \"inline\" has no lines")
        .cure("give at least one command");
  }
  KILN_TRY_ASSIGN(const auto checksum, body.optional_string("sha256Checksum"));
  if (checksum && !checksum->empty()) {
    return body.find("sha256Checksum")
        ->error("Shell:ChecksumOfInline", "sha256Checksum is for scriptUri and says nothing here")
        .cure("remove it, or move the lines to a file and name that in scriptUri");
  }
  return lines;
}

}  // namespace

Result<std::unique_ptr<Customizer>> parse_shell(const JsonReader& body) {
  KILN_TRY(refuse_foreign_fields(body));
  KILN_TRY(body.refuse_unknown({"type", "name", "inline", "scriptUri", "sha256Checksum"}));
  KILN_TRY_ASSIGN(auto name, body.optional_string("name"));
  const auto inline_field = body.find("inline");
  const auto has_uri = body.find("scriptUri").has_value();
  if (inline_field.has_value() == has_uri) {
    return body
        .error("Shell:OneScript",
               has_uri ? R"(a Shell customizer has both "inline" and "scriptUri")"
                       : R"(a Shell customizer has neither "inline" nor "scriptUri")")
        .cure("give exactly one of them");
  }
  std::vector<std::string> lines;
  std::optional<StepInput> script;
  if (has_uri) {
    KILN_TRY_ASSIGN(script, parse_input(body, "scriptUri"));
  } else {
    KILN_TRY_ASSIGN(lines, parse_inline(body, *inline_field));
  }
  return std::make_unique<ShellCustomizer>(
      name.value_or(""), std::move(lines), std::move(script), body.where());
}

}  // namespace kiln
