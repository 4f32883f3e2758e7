#include "engine/core/spawn.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

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

Result<UniqueFd> create_output_file(const std::filesystem::path& path) {
  UniqueFd file(::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600));
  if (file) return file;
  return fail(
      ErrorKind::kIo, "Process:OutputFile", "cannot create {}: {}", path.string(), strerror(errno));
}

std::vector<std::string> child_environment(const Command& command) {
  std::vector<std::string> environment = {"LC_ALL=C.UTF-8"};
  for (const char* name : {"PATH", "HOME", "TMPDIR", "XDG_RUNTIME_DIR"}) {
    const char* value = std::getenv(name);
    if (value != nullptr) environment.push_back(fmt::format("{}={}", name, value));
  }
  for (const auto& [name, value] : command.environment) {
    environment.push_back(fmt::format("{}={}", name, value));
  }
  return environment;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (auto& string : strings) result.push_back(string.data());
  result.push_back(nullptr);
  return result;
}

/// Everything the child needs, prepared before the fork, because after it nothing may be allocated.
struct Child {
  std::filesystem::path program;
  std::vector<std::string> arguments;
  std::vector<std::string> variables;
  std::vector<char*> argv = pointers(arguments);
  std::vector<char*> environment = pointers(variables);
  const char* directory = nullptr;  ///< null keeps ours
  pid_t parent = -1;
  int out = -1;  ///< -1 is /dev/null
  int err = -1;
  int failure = -1;  ///< where the reason goes if the program cannot be run
};

/// The child's side of the fork: only async-signal-safe calls.
[[noreturn]] void become(const Child& child) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != child.parent) ::_exit(127);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  // The one disposition that programs commonly change, and exec keeps.
  ::signal(SIGPIPE, SIG_DFL);
  const int null = ::open("/dev/null", O_RDWR);
  ::dup2(null, STDIN_FILENO);
  ::dup2(child.out >= 0 ? child.out : null, STDOUT_FILENO);
  ::dup2(child.err, STDERR_FILENO);
  // Libraries open files too, and not all of them with O_CLOEXEC.
  ::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  if (child.directory == nullptr || ::chdir(child.directory) == 0) {
    ::execve(child.program.c_str(), child.argv.data(), child.environment.data());
  }
  const int reason = errno;
  [[maybe_unused]] const auto sent = ::write(child.failure, &reason, sizeof reason);
  ::_exit(127);
}

/// Why the child could not run its program; 0 where it does.
int exec_failure(const UniqueFd& pipe) {
  int reason = 0;
  ssize_t received = 0;
  do {
    received = ::read(pipe.get(), &reason, sizeof reason);
  } while (received < 0 && errno == EINTR);
  return received == sizeof reason ? reason : 0;
}

int exit_code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Result<Spawned> spawn(const Command& command, StandardOutput use) {
  KILN_CHECK(!command.argv.empty());
  Child child{.program = find_program(command.argv.front()),
              .arguments = command.argv,
              .variables = child_environment(command)};
  if (child.program.empty()) {
    return fail(ErrorKind::kHostNotReady,
                "Process:NotInstalled",
                "the program {} is not installed",
                command.argv.front())
        .cure("run `kiln doctor`, which names the package for each missing program");
  }
  KILN_TRY_ASSIGN(auto out, make_pipe());
  KILN_TRY_ASSIGN(auto err, make_pipe());
  KILN_TRY_ASSIGN(auto failure, make_pipe());
  UniqueFd file;
  if (!command.output_file.empty()) {
    KILN_TRY_ASSIGN(file, create_output_file(command.output_file));
  }
  if (use == StandardOutput::kCapture) child.out = file ? file.get() : out.write.get();
  if (!command.directory.empty()) child.directory = command.directory.c_str();
  child.err = err.write.get();
  child.failure = failure.write.get();
  child.parent = ::getpid();

  const pid_t pid = ::fork();
  if (pid < 0) {
    return fail(ErrorKind::kIo, "Process:Fork", "cannot fork: {}", strerror(errno));
  }
  if (pid == 0) become(child);
  ::setpgid(pid, pid);
  failure.write.reset();
  if (const int reason = exec_failure(failure.read); reason != 0) {
    ::waitpid(pid, nullptr, 0);
    return fail(ErrorKind::kIo,
                "Process:Exec",
                "cannot run {}: {}",
                child.program.string(),
                strerror(reason));
  }
  return Spawned{pid, std::move(out.read), std::move(err.read)};
}

bool has_ended(pid_t leader) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(leader), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == leader;
}

int reap(pid_t leader) {
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(leader), &info, WEXITED | WNOWAIT) != 0 &&
         errno == EINTR) {
  }
  ::kill(-leader, SIGKILL);
  int status = 0;
  while (::waitpid(leader, &status, 0) < 0 && errno == EINTR) {
  }
  return exit_code_of(status);
}

int end_group(pid_t leader) {
  ::kill(-leader, SIGTERM);
  const auto deadline = Clock::now() + kTerminationGrace;
  while (Clock::now() < deadline && !has_ended(leader)) ::usleep(20'000);
  if (!has_ended(leader)) ::kill(-leader, SIGKILL);
  return reap(leader);
}

}  // namespace kiln
