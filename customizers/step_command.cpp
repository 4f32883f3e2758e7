#include "customizers/step_command.h"

#include <algorithm>
#include <cstring>
#include <deque>

#include "engine/core/bytes.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

constexpr std::size_t kQuotedLines = 20;
constexpr std::size_t kAnswerLimit = 64 * kKiB;
constexpr std::chrono::minutes kHelperPatience{5};

/// Output on its way from the guest to the events, with the end of it remembered for an error.
class OutputLines {
 public:
  explicit OutputLines(const StepContext& context) : context_(context) {}

  void feed(GuestStream stream, std::string_view data) {
    splitter(stream).feed(data, [&](std::string_view line) { take(stream, line); });
  }

  /// Hands on the last lines that have no newline.
  void flush() {
    for (const auto stream : {GuestStream::kStdout, GuestStream::kStderr}) {
      splitter(stream).flush([&](std::string_view line) { take(stream, line); });
    }
  }

  [[nodiscard]] std::vector<std::string> tail() const { return {tail_.begin(), tail_.end()}; }

 private:
  LineSplitter& splitter(GuestStream stream) {
    return stream == GuestStream::kStdout ? out_ : err_;
  }

  void take(GuestStream stream, std::string_view line) {
    emit_step_line(context_, stream, line);
    tail_.push_back(printable(line));
    if (tail_.size() > kQuotedLines) tail_.pop_front();
  }

  const StepContext& context_;
  LineSplitter out_;
  LineSplitter err_;
  std::deque<std::string> tail_;
};

std::string cure_for(int exit_code) {
  switch (exit_code) {
    case 126:
      return "exit code 126 means that a program was found but could not be executed: check its "
             "mode, and that /tmp is not mounted noexec";
    case 127:
      return "exit code 127 means that a command, or the interpreter in the script's first line, "
             "is not in the image: install it in an earlier step, or correct the name";
    case 137:
      return "exit code 137 means that a program was killed, usually because memory ran out: give "
             "the sandbox more memory";
    default:
      return {};
  }
}

Error failure(const GuestExit& exit, const StepContext& context, const StepProgram& program) {
  const auto what = program.what;
  const auto code = [&](std::string_view reason) {
    return fmt::format("{}:{}", program.module, reason);
  };
  if (exit.kind == GuestExit::Kind::kTimedOut) {
    return fail(ErrorKind::kGuestFailed,
                code("Timeout"),
                "{} did not end within its time limit of {} and was killed",
                what,
                format_duration(context.time_limit.value_or(std::chrono::milliseconds::zero())))
        .cure("raise the time limit of steps, or find out what it was waiting for");
  }
  if (exit.kind == GuestExit::Kind::kSignalled) {
    return fail(ErrorKind::kGuestFailed,
                code("Signal"),
                "{} was ended by signal {} ({})",
                what,
                exit.code,
                ::strsignal(exit.code))
        .cure(exit.code == 9 ? cure_for(137) : std::string());
  }
  return fail(ErrorKind::kGuestFailed,
              code("ExitCode"),
              "{} ended with exit code {}",
              what,
              exit.code)
      .cure(program.cure(exit.code));
}

/// Windows has exit codes of 32 bits, which people write as either sign.
bool is_valid(int exit_code, std::span<const std::int64_t> valid) {
  return std::any_of(valid.begin(), valid.end(), [&](std::int64_t code) {
    return static_cast<std::int32_t>(code) == exit_code;
  });
}

}  // namespace

void emit_step_line(const StepContext& context, GuestStream stream, std::string_view line) {
  Event event;
  event.type = EventType::kStepOutput;
  event.phase = context.phase;
  event.step_id = context.step_id;
  event.message = line;
  event.fields["stream"] = stream == GuestStream::kStdout ? "stdout" : "stderr";
  context.events.emit(event);
}

Result<int> run_step_program(const StepContext& context, StepProgram program) {
  program.command.time_limit = context.time_limit;
  OutputLines lines(context);
  auto exit = context.agent.run(
      program.command,
      [&](GuestStream stream, std::string_view data) { lines.feed(stream, data); },
      context.cancel);
  lines.flush();
  if (!exit) return std::move(exit).error().quoting(lines.tail());
  const bool ended = exit->kind == GuestExit::Kind::kExited;
  if (ended && is_valid(exit->code, program.valid_exit_codes)) return exit->code;
  return failure(*exit, context, program).quoting(lines.tail());
}

Result<void> run_step_command(const StepContext& context,
                              GuestCommand command,
                              std::string_view module,
                              std::string_view what) {
  constexpr std::int64_t kSuccess[] = {0};
  KILN_TRY(run_step_program(context, {std::move(command), module, what, kSuccess, cure_for}));
  return {};
}

Result<void> with_guest_file(const StepContext& context,
                             const GuestFile& file,
                             const std::function<Result<void>()>& use) {
  auto outcome = context.agent.put(file.contents, file.path, file.mode, context.cancel);
  if (!outcome) {
    outcome =
        std::move(outcome).error().while_doing(fmt::format("putting {} into the guest", file.what));
  } else {
    outcome = use();
  }
  // Removed whatever happened, so not under the step's own token: that one may be cancelled.
  const auto removed = context.agent.remove(file.path, CancelToken());
  if (!outcome && !removed) return std::move(outcome).error().followed_by(removed.error());
  if (!outcome) return outcome;
  KILN_TRY_WHILE(removed, "removing {} {} from the guest", file.what, file.path);
  return {};
}

Result<GuestAnswer> ask_command(GuestAgent& agent,
                                GuestCommand command,
                                const CancelToken& cancel) {
  if (!command.time_limit) command.time_limit = kHelperPatience;
  std::string out;
  std::string err;
  KILN_TRY_ASSIGN(const auto exit,
                  agent.run(
                      command,
                      [&](GuestStream stream, std::string_view data) {
                        auto& text = stream == GuestStream::kStdout ? out : err;
                        text += data.substr(0, kAnswerLimit - text.size());
                      },
                      cancel));
  if (exit.kind != GuestExit::Kind::kExited) {
    return fail(ErrorKind::kGuestFailed,
                "Guest:Helper",
                "a helper command in the guest {}",
                exit.kind == GuestExit::Kind::kTimedOut ? "hung" : "was killed")
        .quoting(split_lines(err));
  }
  if (exit.code != 0) out += err;
  return GuestAnswer{exit.code, std::move(out)};
}

Result<GuestAnswer> ask_guest(GuestAgent& agent,
                              std::string_view script,
                              std::vector<std::string> arguments,
                              const CancelToken& cancel) {
  GuestCommand command;
  command.argv = {"sh", "-c", std::string(script), "sh"};
  for (auto& argument : arguments) command.argv.push_back(std::move(argument));
  command.environment = {{"LC_ALL", "C"}};
  command.directory = "/";
  return ask_command(agent, std::move(command), cancel);
}

}  // namespace kiln
