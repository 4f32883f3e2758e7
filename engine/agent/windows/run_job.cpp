#include <algorithm>
#include <chrono>
#include <optional>

#include "engine/agent/windows/jobs.h"
#include "engine/agent/windows/process.h"
#include "engine/agent/windows/transfer.h"

namespace kiln::agent {
namespace {

using Clock = std::chrono::steady_clock;

/// One of the command's output streams.
struct Output {
  FrameType type;
  UniqueHandle* pipe;
  Transfer transfer;
  /// Once the command and all it started are dead: how much may still come. A program outside of
  /// the job that was handed the pipe cannot keep it for ever.
  std::optional<std::size_t> left;

  Output(FrameType frame, UniqueHandle& from) : type(frame), pipe(&from) {}
  void close() {
    transfer.cancel();
    pipe->reset();
  }
};

class RunJob final : public Job {
 public:
  RunJob(std::uint32_t request, const RunRequest& run, std::unique_ptr<LogOn> as)
      : request_(request), input_kind_(run.input), as_(std::move(as)) {
    if (run.input == InputKind::kTerminal) {
      failure_ = {"cannot run " + run.argv[0] + ": there are no terminals here", {}};
      return;
    }
    failure_ = start_process(run, as_.get(), process_);
    // Longer than this is never; adding it would overflow the clock.
    constexpr std::uint64_t kForever = std::uint64_t{1} << 40U;
    if (run.time_limit_milliseconds != 0 && run.time_limit_milliseconds < kForever) {
      deadline_ = Clock::now() + std::chrono::milliseconds(run.time_limit_milliseconds);
    }
  }
  ~RunJob() override {
    for (auto* output : {&out_, &err_}) output->transfer.cancel();
    input_transfer_.cancel();
    if (process_.process && !dead_) kill();
  }

  int watch(Waits& waits, const Outbox& outbox) override;
  bool advance(Outbox& outbox) override;
  void cancel() override { stop(ExitKind::kCancelled); }
  bool feed(std::string_view input) override;
  bool feed_end() override;
  /// Of a terminal that was refused: its size may be on its way already.
  bool resize(const TerminalSize& /*size*/) override { return input_kind_ == InputKind::kTerminal; }

 private:
  void kill() { ::TerminateJobObject(process_.job.get(), 1); }
  void stop(ExitKind why);
  bool refuse(Outbox& outbox);
  void pass_input(Outbox& outbox);
  void input_taken(std::size_t bytes, Outbox& outbox);
  void forward(Output& output, Outbox& outbox);
  void look_for_death();

  std::uint32_t request_;
  InputKind input_kind_;
  std::string input_;  ///< at most kInputWindow bytes that the command has not taken yet
  bool input_ended_ = false;
  std::unique_ptr<LogOn> as_;  ///< outlives the process
  Process process_;
  Output out_{FrameType::kStdout, process_.out};
  Output err_{FrameType::kStderr, process_.err};
  Transfer input_transfer_;
  std::optional<StartFailure> failure_;
  std::optional<Clock::time_point> deadline_;
  std::optional<ExitKind> stopped_;  ///< we ended it
  std::optional<DWORD> exit_code_;   ///< it ended
  bool dead_ = false;                ///< all of it is gone
};

int RunJob::watch(Waits& waits, const Outbox& outbox) {
  if (failure_) return 0;
  for (auto* output : {&out_, &err_}) {
    if (!*output->pipe || !outbox.has_room()) continue;
    if (!output->transfer.under_way() && !output->transfer.read(output->pipe->get())) {
      output->close();
      continue;
    }
    waits.handles.push_back(output->transfer.event());
  }
  if (input_transfer_.under_way()) waits.handles.push_back(input_transfer_.event());
  if (dead_) return outbox.has_room() ? 0 : -1;
  // The end of a whole job cannot be waited for; it follows within moments.
  constexpr int kDyingPause = 5;
  if (stopped_ || exit_code_) return kDyingPause;
  waits.handles.push_back(process_.process.get());
  if (!deadline_) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - Clock::now()).count();
  constexpr decltype(left) kLongest = 60'000;
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, kLongest));
}

bool RunJob::advance(Outbox& outbox) {
  if (failure_) return refuse(outbox);
  pass_input(outbox);
  forward(out_, outbox);
  forward(err_, outbox);
  if (deadline_ && Clock::now() >= *deadline_) stop(ExitKind::kTimedOut);
  look_for_death();
  if (!dead_ || *out_.pipe || *err_.pipe) return false;
  const ExitReport report{stopped_.value_or(ExitKind::kExited), stopped_ ? 0 : *exit_code_};
  outbox.add(FrameType::kExit, request_, encode(report));
  return true;
}

/// A command that cannot be started is told as shells do, so steps see the same in every system.
bool RunJob::refuse(Outbox& outbox) {
  if (!failure_->exit_code) {
    outbox.add(FrameType::kError, request_, error_payload(ErrorCode::kIo, failure_->message));
    return true;
  }
  outbox.add(FrameType::kStderr, request_, failure_->message + "\r\n");
  const ExitReport report{ExitKind::kExited, static_cast<std::uint32_t>(*failure_->exit_code)};
  outbox.add(FrameType::kExit, request_, encode(report));
  return true;
}

void RunJob::stop(ExitKind why) {
  if (stopped_ || exit_code_ || !process_.process) return;
  stopped_ = why;
  kill();
}

bool RunJob::feed(std::string_view input) {
  if (input_kind_ == InputKind::kNone || input_ended_) return false;
  if (input.size() > kInputWindow - input_.size()) return false;
  input_.append(input);
  return true;
}

bool RunJob::feed_end() {
  if (input_kind_ == InputKind::kNone || input_ended_) return false;
  input_ended_ = true;
  return true;
}

void RunJob::input_taken(std::size_t bytes, Outbox& outbox) {
  if (bytes == 0) return;
  input_.erase(0, bytes);
  const InputTaken taken{static_cast<std::uint32_t>(bytes)};
  outbox.add(FrameType::kInputTaken, request_, encode(taken));
}

/// What a command that closed its input does not take is taken by us, so that the host goes on.
void RunJob::pass_input(Outbox& outbox) {
  std::string_view written;
  switch (input_transfer_.collect(written)) {
    case Transfer::Status::kUnderWay:
      break;
    case Transfer::Status::kDone:
      input_taken(written.size(), outbox);
      break;
    case Transfer::Status::kEnded:
      process_.in.reset();
      break;
  }
  if (input_transfer_.under_way()) return;
  if (process_.in && !input_.empty() && input_transfer_.write(process_.in.get(), input_)) return;
  if (!input_.empty()) {
    process_.in.reset();
    input_taken(input_.size(), outbox);
  }
  if (input_ended_) process_.in.reset();
}

void RunJob::forward(Output& output, Outbox& outbox) {
  if (!*output.pipe) return;
  std::string_view data;
  switch (output.transfer.collect(data)) {
    case Transfer::Status::kUnderWay:
      // The pipe is empty, and nothing of the command is left that could fill it.
      if (output.left && output.transfer.under_way()) output.close();
      return;
    case Transfer::Status::kEnded:
      return output.close();
    case Transfer::Status::kDone:
      break;
  }
  if (output.left) {
    data = data.substr(0, *output.left);
    *output.left -= data.size();
  }
  if (!data.empty()) outbox.add(output.type, request_, data);
  if (output.left && *output.left == 0) output.close();
}

void RunJob::look_for_death() {
  if (dead_) return;
  if (!exit_code_ && ::WaitForSingleObject(process_.process.get(), 0) == WAIT_OBJECT_0) {
    DWORD code = 0;
    ::GetExitCodeProcess(process_.process.get(), &code);
    exit_code_ = code;
    kill();  // what it left running
  }
  if (!exit_code_) return;
  JOBOBJECT_BASIC_ACCOUNTING_INFORMATION job{};
  ::QueryInformationJobObject(
      process_.job.get(), JobObjectBasicAccountingInformation, &job, sizeof job, nullptr);
  if (job.ActiveProcesses != 0) return;
  dead_ = true;
  constexpr std::size_t kMostAfterDeath = std::size_t{1} << 20U;  // more than a pipe holds
  for (auto* output : {&out_, &err_}) output->left = kMostAfterDeath;
}

}  // namespace

std::unique_ptr<Job> make_run_job(std::uint32_t request,
                                  const RunRequest& run,
                                  std::unique_ptr<LogOn> as) {
  return std::make_unique<RunJob>(request, run, std::move(as));
}

}  // namespace kiln::agent
