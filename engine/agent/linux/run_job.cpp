#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <limits>
#include <optional>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/agent/linux/jobs.h"
#include "engine/agent/linux/posix.h"
#include "engine/agent/linux/step.h"

namespace kiln::agent {
namespace {

using Clock = std::chrono::steady_clock;

/// One of the command's output streams.
struct Pipe {
  FrameType type;
  UniqueFd* fd;
  /// Once the step is dead: what was in the pipe at that moment. A program outside of the step that
  /// was handed the pipe cannot keep it open for ever.
  std::optional<int> left;
};

class RunJob final : public Job {
 public:
  RunJob(std::uint32_t request, const RunRequest& run, const StepSettings& settings)
      : request_(request), input_kind_(run.input) {
    start_error_ = start_step(run, settings, step_);
    if (run.time_limit_milliseconds == 0) return;
    // Longer than this is never; adding it would overflow the clock.
    constexpr std::uint64_t kForever = std::uint64_t{1} << 40U;
    if (run.time_limit_milliseconds < kForever) {
      deadline_ = Clock::now() + std::chrono::milliseconds(run.time_limit_milliseconds);
    }
  }
  ~RunJob() override {
    if (step_.supervisor <= 0 || dead_) return;
    kill_step(step_);
    ::waitpid(step_.supervisor, nullptr, 0);
  }

  int watch(Waits& waits, const Outbox& outbox) override;
  bool advance(Outbox& outbox) override;
  void cancel() override { stop(ExitKind::kCancelled); }
  bool feed(std::string_view input) override;
  bool feed_end() override;
  bool resize(const TerminalSize& size) override;

 private:
  void stop(ExitKind why);
  void pass_input(Outbox& outbox);
  void forward(Pipe& pipe, Outbox& outbox);
  void look_at_status();
  void look_for_death();
  [[nodiscard]] ExitReport report() const;

  std::uint32_t request_;
  InputKind input_kind_;
  std::string input_;  ///< at most kInputWindow bytes that the command has not taken yet
  bool input_ended_ = false;
  Step step_;
  std::string start_error_;
  std::optional<Clock::time_point> deadline_;
  std::optional<ExitKind> stopped_;  ///< we ended it
  std::optional<int> wait_status_;   ///< it ended
  bool dead_ = false;                ///< all of it is gone
  std::array<Pipe, 2> pipes_ = {Pipe{FrameType::kStdout, &step_.out, {}},
                                Pipe{FrameType::kStderr, &step_.err, {}}};
  std::array<char, kMaxPayload> buffer_{};
};

int RunJob::watch(Waits& waits, const Outbox& outbox) {
  if (!start_error_.empty()) return 0;
  for (const auto& pipe : pipes_) {
    if (*pipe.fd && outbox.has_room()) waits.polled.push_back({pipe.fd->get(), POLLIN, 0});
  }
  if (step_.in && (!input_.empty() || input_ended_))
    waits.polled.push_back({step_.in.get(), POLLOUT, 0});
  if (step_.status) waits.polled.push_back({step_.status.get(), POLLIN, 0});
  if (dead_) return outbox.has_room() ? 0 : -1;
  // The end of a namespace cannot be polled for on old kernels; it follows within moments.
  constexpr int kDyingPause = 5;
  if (stopped_ || !step_.status) return kDyingPause;
  if (!deadline_) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - Clock::now()).count();
  constexpr decltype(left) kLongest = 60'000;
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, kLongest));
}

bool RunJob::advance(Outbox& outbox) {
  if (!start_error_.empty()) {
    outbox.add(FrameType::kError, request_, error_payload(ErrorCode::kIo, start_error_));
    return true;
  }
  pass_input(outbox);
  for (auto& pipe : pipes_) forward(pipe, outbox);
  look_at_status();
  if (deadline_ && Clock::now() >= *deadline_) stop(ExitKind::kTimedOut);
  look_for_death();
  if (!dead_ || step_.out || step_.err) return false;
  outbox.add(FrameType::kExit, request_, encode(report()));
  return true;
}

void RunJob::stop(ExitKind why) {
  if (stopped_ || wait_status_ || step_.supervisor <= 0) return;
  stopped_ = why;
  kill_step(step_);
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

bool RunJob::resize(const TerminalSize& size) {
  if (input_kind_ != InputKind::kTerminal) return false;
  if (step_.out) set_terminal_size(step_, size);
  return true;
}

/// What a command that closed its input does not take is taken by us, so that the host goes on.
void RunJob::pass_input(Outbox& outbox) {
  constexpr char kEndOfFile = 0x04;  // as a person types it
  if (!input_.empty()) {
    auto taken = step_.in ? ::write(step_.in.get(), input_.data(), input_.size()) : -1;
    if (taken < 0 && step_.in && (errno == EAGAIN || errno == EINTR)) return;
    if (taken < 0) {
      step_.in.reset();
      taken = static_cast<ssize_t>(input_.size());
    }
    input_.erase(0, static_cast<std::size_t>(taken));
    outbox.add(
        FrameType::kInputTaken, request_, encode(InputTaken{static_cast<std::uint32_t>(taken)}));
  }
  if (!input_ended_ || !input_.empty() || !step_.in) return;
  if (input_kind_ == InputKind::kTerminal) {
    if (::write(step_.in.get(), &kEndOfFile, 1) < 0 && errno == EAGAIN) return;
  }
  step_.in.reset();
}

void RunJob::forward(Pipe& pipe, Outbox& outbox) {
  if (!*pipe.fd || !outbox.has_room()) return;
  auto wanted = buffer_.size();
  if (pipe.left) wanted = std::min(wanted, static_cast<std::size_t>(*pipe.left));
  const auto got = wanted == 0 ? 0 : ::read(pipe.fd->get(), buffer_.data(), wanted);
  if (got < 0 && (errno == EAGAIN || errno == EINTR) && !pipe.left) return;
  if (got <= 0) {
    pipe.fd->reset();
    return;
  }
  if (pipe.left) *pipe.left -= static_cast<int>(got);
  outbox.add(pipe.type, request_, {buffer_.data(), static_cast<std::size_t>(got)});
}

void RunJob::look_at_status() {
  if (!step_.status) return;
  StepStatus status;
  const auto got = ::read(step_.status.get(), &status, sizeof status);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got == sizeof status) wait_status_ = status.wait_status;
  if (got <= 0) step_.status.reset();
}

void RunJob::look_for_death() {
  if (dead_ || (step_.status && !stopped_)) return;
  if (::waitpid(step_.supervisor, nullptr, WNOHANG) != step_.supervisor) return;
  look_at_status();
  dead_ = true;
  for (auto& pipe : pipes_) {
    // A terminal tells by itself when it has no more, and may not yet know how much it has.
    int left = std::numeric_limits<int>::max();
    if (*pipe.fd && input_kind_ != InputKind::kTerminal) {
      ::ioctl(pipe.fd->get(), FIONREAD, &left);
    }
    pipe.left = left;
  }
}

ExitReport RunJob::report() const {
  if (stopped_) return {*stopped_, 0};
  // No status: something killed the supervisor, such as the kernel short of memory.
  if (!wait_status_) return {ExitKind::kSignalled, SIGKILL};
  if (WIFSIGNALED(*wait_status_)) {
    return {ExitKind::kSignalled, static_cast<std::uint8_t>(WTERMSIG(*wait_status_))};
  }
  return {ExitKind::kExited, static_cast<std::uint8_t>(WEXITSTATUS(*wait_status_))};
}

}  // namespace

std::unique_ptr<Job> make_run_job(std::uint32_t request,
                                  const RunRequest& run,
                                  const StepSettings& settings) {
  return std::make_unique<RunJob>(request, run, settings);
}

}  // namespace kiln::agent
