#include "engine/core/process_runner.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <poll.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

#include <climits>

#include "engine/core/spawn.h"
#include "engine/core/text.h"
#include "engine/core/unique_fd.h"

namespace kiln {
namespace {

using Clock = std::chrono::steady_clock;
/// How long the pipes of a child that has ended may stay open in other hands.
constexpr auto kLeftoverGrace = std::chrono::seconds(2);

void keep_beginning(std::string& capture, std::string_view data) {
  capture.append(data.substr(0, kCaptureLimit - std::min(kCaptureLimit, capture.size())));
}

void cut_to_end(std::string& capture) {
  if (capture.size() > kCaptureLimit) capture.erase(0, capture.size() - kCaptureLimit);
}

/// Lets the capture grow to twice its limit, so that cutting costs a constant time per byte.
void keep_end(std::string& capture, std::string_view data) {
  capture.append(data);
  if (capture.size() > 2 * kCaptureLimit) cut_to_end(capture);
}

/// Reads what is there; false at end of file.
template <class Keep>
bool drain(int fd, std::string& capture, Keep&& keep) {
  std::array<char, 65536> buffer{};
  const auto count = ::read(fd, buffer.data(), buffer.size());
  if (count < 0) return errno == EINTR || errno == EAGAIN;
  if (count == 0) return false;
  keep(capture, std::string_view(buffer.data(), static_cast<std::size_t>(count)));
  return true;
}

class ForkedChild final : public ChildProcess {
 public:
  explicit ForkedChild(Spawned spawned)
      : pid_(spawned.pid), reader_([this, fd = std::move(spawned.err)] { collect(fd); }) {}
  ~ForkedChild() override {
    terminate();
    stop_reading_.request();
  }

  [[nodiscard]] int pid() const override { return pid_; }
  std::optional<int> poll() override {
    if (!exit_code_ && has_ended(pid_)) exit_code_ = reap(pid_);
    return exit_code_;
  }
  void terminate() override {
    if (!poll()) exit_code_ = end_group(pid_);
  }
  std::string error_output() override {
    const std::lock_guard lock(mutex_);
    auto errors = errors_;
    cut_to_end(errors);
    return errors;
  }

 private:
  /// In a thread of its own, because a server that nobody reads stops when the pipe is full.
  void collect(const UniqueFd& fd) {
    std::array<pollfd, 2> entries = {
        {{fd.get(), POLLIN, 0}, {stop_reading_.token().fd(), POLLIN, 0}}};
    while (true) {
      if (::poll(entries.data(), entries.size(), -1) < 0) continue;
      if (entries[0].revents == 0) return;  // asked to stop, and all that was there has been read
      std::string piece;
      if (!drain(fd.get(), piece, keep_end)) return;
      const std::lock_guard lock(mutex_);
      keep_end(errors_, piece);
    }
  }

  pid_t pid_;
  std::optional<int> exit_code_;
  std::mutex mutex_;
  std::string errors_;
  CancelSource stop_reading_;
  std::jthread reader_;  ///< last, because it uses the others
};

/// Collects what a child writes until it has ended, or has to be.
class Capture {
 public:
  Capture(const Spawned& child, const Command& command, const CancelToken& cancel)
      : pid_(child.pid), command_(command), ended_(open_pidfd(child.pid)) {
    if (command.time_limit) deadline_ = Clock::now() + *command.time_limit;
    entries_ = {{{child.out.get(), POLLIN, 0},
                 {child.err.get(), POLLIN, 0},
                 {cancel.fd(), POLLIN, 0},
                 {ended_.get(), POLLIN, 0}}};
  }

  Result<ProcessOutput> run() {
    while (out().fd >= 0 || err().fd >= 0) {
      const int ready = ::poll(entries_.data(), entries_.size(), milliseconds_left());
      if (ready < 0) continue;
      if (entries_[2].revents != 0) {
        end_group(pid_);
        return cancelled();
      }
      if (deadline_ && Clock::now() >= *deadline_) {
        if (leader_gone_) break;
        end_group(pid_);
        return timed_out();
      }
      if (entries_[3].revents != 0) leader_ended();
      if (out().revents != 0 && !drain(out().fd, output_.out, keep_beginning)) out().fd = -1;
      if (err().revents != 0 && !drain(err().fd, output_.err, keep_end)) err().fd = -1;
    }
    cut_to_end(output_.err);
    output_.exit_code = reap(pid_);
    return std::move(output_);
  }

 private:
  static UniqueFd open_pidfd(pid_t pid) {
    return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  }

  pollfd& out() { return entries_[0]; }
  pollfd& err() { return entries_[1]; }

  /// Whoever the leader left behind in its group is not waited for, and neither is one that moved
  /// to another group and still holds our pipes.
  void leader_ended() {
    ::kill(-pid_, SIGKILL);
    entries_[3].fd = -1;
    leader_gone_ = true;
    deadline_ = Clock::now() + kLeftoverGrace;
  }

  [[nodiscard]] int milliseconds_left() const {
    if (!deadline_) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - Clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT_MAX));
  }

  [[nodiscard]] Error timed_out() const {
    return fail(ErrorKind::kTimeout,
                "Process:Timeout",
                "{} did not finish in {}",
                command_.argv.front(),
                format_duration(*command_.time_limit));
  }

  pid_t pid_;
  const Command& command_;
  UniqueFd ended_;
  std::optional<Clock::time_point> deadline_;
  std::array<pollfd, 4> entries_{};
  bool leader_gone_ = false;
  ProcessOutput output_;
};

class ForkingRunner : public ProcessRunner {
 public:
  Result<ProcessOutput> run(const Command& command, const CancelToken& cancel) override {
    KILN_TRY(cancel.check());
    KILN_TRY_ASSIGN(const auto child, spawn(command, StandardOutput::kCapture));
    return Capture(child, command, cancel).run();
  }

  Result<std::unique_ptr<ChildProcess>> start(const Command& command) override {
    KILN_TRY_ASSIGN(auto child, spawn(command, StandardOutput::kDiscard));
    return std::unique_ptr<ChildProcess>(std::make_unique<ForkedChild>(std::move(child)));
  }
};

}  // namespace

std::unique_ptr<ProcessRunner> make_process_runner() {
  return std::make_unique<ForkingRunner>();
}

Result<ProcessOutput> run_checked(ProcessRunner& runner,
                                  const Command& command,
                                  const CancelToken& cancel) {
  KILN_TRY_ASSIGN(auto output, runner.run(command, cancel));
  if (output.exit_code == 0) return output;
  auto lines = split_lines(output.err);
  constexpr std::size_t kQuotedLines = 20;
  if (lines.size() > kQuotedLines) {
    lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(kQuotedLines));
  }
  return fail(ErrorKind::kIo,
              "Process:Failed",
              "`{}` ended with exit code {}",
              fmt::join(command.argv, " "),
              output.exit_code)
      .quoting(std::move(lines));
}

std::filesystem::path find_program(std::string_view program) {
  const auto runnable = [](const std::filesystem::path& path) {
    std::error_code ignored;
    return std::filesystem::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
  };
  if (program.find('/') != std::string_view::npos) {
    std::error_code ignored;  // absolute, because the child may be started in another folder
    auto path = std::filesystem::absolute(program, ignored);
    return runnable(path) ? path : std::filesystem::path();
  }
  const char* path = std::getenv("PATH");
  for (const auto& folder : split(path != nullptr ? path : "/usr/sbin:/usr/bin:/sbin:/bin", ':')) {
    auto candidate = std::filesystem::path(folder) / program;
    if (candidate.is_absolute() && runnable(candidate)) return candidate;
  }
  return {};
}

}  // namespace kiln
