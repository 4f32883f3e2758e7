#include "engine/agent/linux/step.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <climits>

#include "engine/agent/linux/posix.h"
#include "engine/agent/linux/step_supervisor.h"

namespace kiln::agent {
namespace {

/// fork, optionally into new namespaces. The C library's wrapper for clone wants a stack for the
/// child; the system call itself copies ours as fork does.
pid_t fork_with(unsigned long namespaces) {
  return static_cast<pid_t>(::syscall(SYS_clone, namespaces | SIGCHLD, 0UL, 0UL, 0UL, 0UL));
}

constexpr unsigned long kStepNamespaces = CLONE_NEWPID | CLONE_NEWNS;

/// A request's variable replaces the default of the same name.
std::vector<std::string> make_environment(const RunRequest& run, const StepSettings& settings) {
  std::vector<std::pair<std::string, std::string>> variables = {
      {"PATH", kStandardPath},
      {"HOME", "/root"},
      {"USER", "root"},
      {"LOGNAME", "root"},
      {"SHELL", "/bin/sh"},
      {"LANG", "C.UTF-8"},
      {"TERM", "dumb"},
  };
  for (const auto& [name, value] : run.environment) {
    auto known = variables.begin();
    while (known != variables.end() && known->first != name) ++known;
    if (known == variables.end()) {
      variables.emplace_back(name, value);
    } else {
      known->second = value;
    }
  }
  auto& path = variables.front().second;
  if (!settings.tools_folder.empty()) path.insert(0, settings.tools_folder + ":");
  std::vector<std::string> environment;
  environment.reserve(variables.size());
  for (const auto& [name, value] : variables) {
    environment.push_back(std::string(name).append("=").append(value));
  }
  return environment;
}

/// The command's ends of its streams.
struct StepEnds {
  UniqueFd in;
  UniqueFd out;
  UniqueFd err;
};

bool make_pipe(UniqueFd& read_end, UniqueFd& write_end) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return false;
  read_end.reset(ends[0]);
  write_end.reset(ends[1]);
  return true;
}

bool make_pipes(const RunRequest& run, Step& step, StepEnds& ends) {
  return make_pipe(step.out, ends.out) && make_pipe(step.err, ends.err) &&
         (run.input == InputKind::kNone || make_pipe(ends.in, step.in));
}

bool make_terminal(const RunRequest& run, Step& step, StepEnds& ends) {
  step.in.reset(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  char name[PATH_MAX];
  if (!step.in || ::grantpt(step.in.get()) != 0 || ::unlockpt(step.in.get()) != 0 ||
      ::ptsname_r(step.in.get(), name, sizeof name) != 0) {
    return false;
  }
  const auto copy = [](const UniqueFd& fd) { return ::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0); };
  ends.in.reset(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
  ends.out.reset(copy(ends.in));
  ends.err.reset(copy(ends.in));
  step.out.reset(copy(step.in));
  set_terminal_size(step, run.terminal);
  return ends.err && step.out;
}

}  // namespace

void set_terminal_size(const Step& step, const TerminalSize& size) {
  const winsize window{size.rows, size.columns, 0, 0};
  ::ioctl(step.out.get(), TIOCSWINSZ, &window);
}

bool pid_namespaces_work() {
  const auto child = fork_with(kStepNamespaces);
  if (child == 0) ::_exit(mount_own_proc() ? 0 : 1);
  int status = 1;
  return child > 0 && ::waitpid(child, &status, 0) == child && status == 0;
}

std::string start_step(const RunRequest& run, const StepSettings& settings, Step& step) {
  StepEnds ends;
  const bool connected = run.input == InputKind::kTerminal ? make_terminal(run, step, ends)
                                                           : make_pipes(run, step, ends);
  if (!connected) return failure("connect", run.argv[0]);
  int status[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, status) != 0) {
    return failure("make a socket for", run.argv[0]);
  }
  step.status.reset(status[0]);
  UniqueFd status_write(status[1]);

  const auto environment = make_environment(run, settings);
  step.own_namespace = settings.pid_namespaces;
  step.supervisor = fork_with(settings.pid_namespaces ? kStepNamespaces : 0);
  if (step.supervisor == 0) {
    step.status.reset();  // or we would never see that the agent is gone
    supervise({run,
               environment,
               settings,
               ends.in ? ends.in.get() : -1,
               ends.out.get(),
               ends.err.get(),
               status_write.get()});
  }
  if (step.supervisor < 0) return failure("start a process for", run.argv[0]);
  for (const auto* fd : {&step.in, &step.out, &step.err, &step.status}) {
    if (*fd) set_nonblocking(fd->get());
  }
  return {};
}

void kill_step(const Step& step) {
  // The first process of a namespace takes all others with it; a subreaper does that by itself.
  ::kill(step.supervisor, step.own_namespace ? SIGKILL : SIGTERM);
}

}  // namespace kiln::agent
