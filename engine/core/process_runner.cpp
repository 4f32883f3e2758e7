#include "engine/core/process_runner.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "engine/core/text.h"
#include "engine/core/unique_fd.h"

namespace kiln {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kTerminationGrace = std::chrono::seconds(3);

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return fail(ErrorKind::kIo, "Process:Pipe", "cannot create a pipe: {}", strerror(errno));
  }
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

std::vector<std::string> child_environment(const Command& command) {
  std::vector<std::string> environment = {"LC_ALL=C.UTF-8"};
  for (const char* name : {"PATH", "HOME", "TMPDIR", "XDG_RUNTIME_DIR"}) {
    if (const char* value = std::getenv(name))
      environment.push_back(std::string(name) + "=" + value);
  }
  for (const auto& [name, value] : command.environment) environment.push_back(name + "=" + value);
  return environment;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (auto& string : strings) result.push_back(string.data());
  result.push_back(nullptr);
  return result;
}

struct Spawned {
  pid_t pid = -1;
  UniqueFd out;
  UniqueFd err;
};

Result<Spawned> spawn(const Command& command) {
  KILN_CHECK(!command.argv.empty());
  const auto program = find_program(command.argv.front());
  if (program.empty()) {
    return fail(ErrorKind::kHostNotReady,
                "Process:NotInstalled",
                "the program {} is not installed",
                command.argv.front())
        .cure("run `kiln doctor`, which names the package for each missing program");
  }
  KILN_TRY_ASSIGN(auto out, make_pipe());
  KILN_TRY_ASSIGN(auto err, make_pipe());
  KILN_TRY_ASSIGN(auto exec_failure, make_pipe());
  auto argv_strings = command.argv;
  auto environment_strings = child_environment(command);
  const auto argv = pointers(argv_strings);
  const auto environment = pointers(environment_strings);
  const pid_t parent = ::getpid();

  const pid_t pid = ::fork();
  if (pid < 0) {
    return fail(ErrorKind::kIo, "Process:Fork", "cannot fork: {}", strerror(errno));
  }
  if (pid == 0) {
    // Only async-signal-safe calls from here to exec.
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    const int null = ::open("/dev/null", O_RDONLY);
    ::dup2(null, STDIN_FILENO);
    ::dup2(out.write.get(), STDOUT_FILENO);
    ::dup2(err.write.get(), STDERR_FILENO);
    if (command.directory.empty() || ::chdir(command.directory.c_str()) == 0) {
      ::execve(program.c_str(), argv.data(), environment.data());
    }
    const int reason = errno;
    [[maybe_unused]] const auto sent = ::write(exec_failure.write.get(), &reason, sizeof reason);
    ::_exit(127);
  }
  ::setpgid(pid, pid);
  exec_failure.write.reset();
  int reason = 0;
  if (::read(exec_failure.read.get(), &reason, sizeof reason) == sizeof reason) {
    ::waitpid(pid, nullptr, 0);
    return fail(
        ErrorKind::kIo, "Process:Exec", "cannot run {}: {}", program.string(), strerror(reason));
  }
  return Spawned{pid, std::move(out.read), std::move(err.read)};
}

int exit_code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// Ends a process group; returns the leader's exit code.
int end_group(pid_t pid) {
  ::kill(-pid, SIGTERM);
  const auto deadline = Clock::now() + kTerminationGrace;
  int status = 0;
  while (Clock::now() < deadline) {
    if (::waitpid(pid, &status, WNOHANG) == pid) return exit_code_of(status);
    ::usleep(20'000);
  }
  ::kill(-pid, SIGKILL);
  ::waitpid(pid, &status, 0);
  return exit_code_of(status);
}

void keep_beginning(std::string& capture, std::string_view data) {
  capture.append(data.substr(0, kCaptureLimit - std::min(kCaptureLimit, capture.size())));
}

void keep_end(std::string& capture, std::string_view data) {
  capture.append(data);
  if (capture.size() > kCaptureLimit) capture.erase(0, capture.size() - kCaptureLimit);
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

class ForkedChild : public ChildProcess {
 public:
  explicit ForkedChild(Spawned spawned) : spawned_(std::move(spawned)) {
    ::fcntl(spawned_.err.get(), F_SETFL, O_NONBLOCK);
  }
  ~ForkedChild() override { terminate(); }

  [[nodiscard]] int pid() const override { return spawned_.pid; }
  std::optional<int> poll() override {
    int status = 0;
    if (!exit_code_ && ::waitpid(spawned_.pid, &status, WNOHANG) == spawned_.pid) {
      exit_code_ = exit_code_of(status);
    }
    return exit_code_;
  }
  void terminate() override {
    if (!poll()) exit_code_ = end_group(spawned_.pid);
  }
  std::string error_output() override {
    pollfd entry{spawned_.err.get(), POLLIN, 0};
    while (::poll(&entry, 1, 0) > 0 && drain(entry.fd, errors_, keep_end)) {
    }
    return errors_;
  }

 private:
  Spawned spawned_;
  std::optional<int> exit_code_;
  std::string errors_;
};

class ForkingRunner : public ProcessRunner {
 public:
  Result<ProcessOutput> run(const Command& command, const CancelToken& cancel) override {
    KILN_TRY(cancel.check());
    KILN_TRY_ASSIGN(const auto child, spawn(command));
    ProcessOutput output;
    std::optional<Clock::time_point> deadline;
    if (command.time_limit) deadline = Clock::now() + *command.time_limit;
    std::array<pollfd, 3> entries = {
        {{child.out.get(), POLLIN, 0}, {child.err.get(), POLLIN, 0}, {cancel.fd(), POLLIN, 0}}};
    while (entries[0].fd >= 0 || entries[1].fd >= 0) {
      int wait = -1;
      if (deadline) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(*deadline - Clock::now());
        wait = static_cast<int>(std::max<std::int64_t>(0, left.count()));
      }
      const int ready = ::poll(entries.data(), entries.size(), wait);
      if (ready < 0 && errno == EINTR) continue;
      if (ready == 0) {
        end_group(child.pid);
        return fail(ErrorKind::kTimeout,
                    "Process:Timeout",
                    "{} did not finish in {}",
                    command.argv.front(),
                    format_duration(*command.time_limit));
      }
      if (entries[2].revents != 0) {
        end_group(child.pid);
        return cancelled();
      }
      if (entries[0].revents != 0 && !drain(entries[0].fd, output.out, keep_beginning)) {
        entries[0].fd = -1;
      }
      if (entries[1].revents != 0 && !drain(entries[1].fd, output.err, keep_end)) {
        entries[1].fd = -1;
      }
    }
    int status = 0;
    while (::waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
    }
    output.exit_code = exit_code_of(status);
    return output;
  }

  Result<std::unique_ptr<ChildProcess>> start(const Command& command) override {
    KILN_TRY_ASSIGN(auto child, spawn(command));
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
  if (program.find('/') != std::string_view::npos) {
    return ::access(std::string(program).c_str(), X_OK) == 0 ? std::filesystem::path(program)
                                                             : std::filesystem::path();
  }
  const char* path = std::getenv("PATH");
  for (const auto& folder : split(path != nullptr ? path : "/usr/sbin:/usr/bin:/sbin:/bin", ':')) {
    const auto candidate = std::filesystem::path(folder) / program;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

}  // namespace kiln
