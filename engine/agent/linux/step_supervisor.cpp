#include "engine/agent/linux/step_supervisor.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/agent/linux/posix.h"
#include "engine/agent/linux/step.h"

namespace kiln::agent {
namespace {

constexpr int kStatusFd = 3;
constexpr int kCannotExecute = 126;  // as shells say it
constexpr int kNotFound = 127;

/// An empty standard input, also where the image's root has no /dev/null.
int open_empty_input() {
  const int null = ::open("/dev/null", O_RDONLY);
  if (null >= 0) return null;
  int ends[2];
  if (::pipe(ends) != 0) return -1;
  ::close(ends[1]);
  return ends[0];
}

void close_from(int first) {
#ifdef SYS_close_range
  if (::syscall(SYS_close_range, static_cast<unsigned>(first), ~0U, 0U) == 0) return;
#endif
  const auto limit = ::sysconf(_SC_OPEN_MAX);
  for (int fd = first; fd < limit; ++fd) ::close(fd);
}

/// Leaves exactly: 0 empty or the input, 1 and 2 to the agent, 3 for the status. Above all the port
/// is closed: only the agent may hold it.
void arrange_descriptors(const Supervision& supervision) {
  // First out of the way of 0 to 3, where they might already be.
  constexpr int kAbove = 10;
  const int in =
      ::fcntl(supervision.in >= 0 ? supervision.in : open_empty_input(), F_DUPFD, kAbove);
  const int out = ::fcntl(supervision.out, F_DUPFD, kAbove);
  const int err = ::fcntl(supervision.err, F_DUPFD, kAbove);
  const int status = ::fcntl(supervision.status, F_DUPFD, kAbove);
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  ::dup2(status, kStatusFd);
  ::fcntl(kStatusFd, F_SETFD, FD_CLOEXEC);
  close_from(kStatusFd + 1);
}

void complain(std::string_view text) {
  write_all(STDERR_FILENO, std::string("kiln-agent: ").append(text).append("\n"));
}

/// Everything a program inherits is as after a fresh boot, whatever the agent itself uses.
void reset_signals() {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

std::vector<char*> pointers_to(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  // execve does not write to them; its signature is older than const.
  for (const auto& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

[[noreturn]] void execute(const Supervision& supervision) {
  ::setsid();
  if (supervision.run.input == InputKind::kTerminal) ::ioctl(STDIN_FILENO, TIOCSCTTY, 0);
  reset_signals();
  ::umask(022);
  write_small_file("/proc/self/oom_score_adj", "0", 0644);  // the agent's own is out of reach
  if (::chdir(supervision.run.directory.c_str()) != 0 && ::chdir("/") != 0) ::_exit(kCannotExecute);
  auto argv = pointers_to(supervision.run.argv);
  auto environment = pointers_to(supervision.environment);
  environ = environment.data();  // execvp searches its PATH, and runs a file without #! by sh
  ::execvp(argv[0], argv.data());

  const int error = errno;
  const auto& program = supervision.run.argv[0];
  const bool is_path = program.find('/') != std::string::npos;
  if (error == ENOENT && is_path && ::access(program.c_str(), F_OK) == 0) {
    complain(program + ": the interpreter named in its first line does not exist");
  } else if (error == ENOENT && !is_path) {
    complain(program + ": command not found");
  } else {
    complain(program + ": " + std::strerror(error));
  }
  ::_exit(error == ENOENT ? kNotFound : kCannotExecute);
}

pid_t parent_of(const char* pid) {
  const auto stat = read_small_file((std::string("/proc/") + pid + "/stat").c_str());
  // "pid (name) state ppid …", where the name can hold anything, parentheses too.
  const auto name_end = stat.rfind(") ");
  if (name_end == std::string::npos || name_end + 4 >= stat.size()) return -1;
  return static_cast<pid_t>(std::strtol(stat.c_str() + name_end + 4, nullptr, 10));
}

void kill_children() {
  DIR* proc = ::opendir("/proc");
  if (proc == nullptr) return;
  while (const auto* entry = ::readdir(proc)) {
    const auto pid = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
    if (pid > 0 && parent_of(entry->d_name) == ::getpid()) ::kill(pid, SIGKILL);
  }
  ::closedir(proc);
}

/// Without a namespace: whatever loses its parent becomes our child, so killing our children until
/// there are none left reaches everything, however it detached itself.
void kill_descendants(pid_t group) {
  constexpr int kRounds = 5000;
  constexpr useconds_t kPause = 2000;
  for (int round = 0; round < kRounds; ++round) {
    ::kill(-group, SIGKILL);
    kill_children();
    pid_t reaped = 0;
    do {
      reaped = ::waitpid(-1, nullptr, WNOHANG);
    } while (reaped > 0);
    if (reaped < 0) return;
    ::usleep(kPause);
  }
}

/// Reaps whatever ends until the command has, or until SIGTERM asks to stop.
void wait_for(pid_t command, const sigset_t& signals) {
  for (;;) {
    int status = 0;
    pid_t ended = 0;
    while ((ended = ::waitpid(-1, &status, WNOHANG)) > 0) {
      if (ended != command) continue;
      const StepStatus report{status};
      write_all(kStatusFd, {reinterpret_cast<const char*>(&report), sizeof report});
      return;
    }
    if (::sigwaitinfo(&signals, nullptr) == SIGTERM) return;
  }
}

bool agent_is_gone() {
  pollfd status{kStatusFd, 0, 0};
  return ::poll(&status, 1, 0) > 0;
}

}  // namespace

bool mount_own_proc() {
  return (::mount(nullptr, "/proc", nullptr, MS_PRIVATE, nullptr) == 0 ||
          ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0) &&
         ::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0;
}

void supervise(const Supervision& supervision) {
  const bool own_namespace = supervision.settings.pid_namespaces;
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGCHLD);
  // In a namespace of our own SIGTERM stays as it is: the kernel then keeps the step from sending
  // it to us.
  if (!own_namespace) ::sigaddset(&signals, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  arrange_descriptors(supervision);
  ::prctl(PR_SET_PDEATHSIG, own_namespace ? SIGKILL : SIGTERM);
  if (agent_is_gone()) ::_exit(0);  // it went before we asked for the signal
  if (own_namespace) {
    if (!mount_own_proc()) complain(failure("mount", "/proc"));
  } else if (!supervision.settings.may_leave_daemons) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  }

  const auto command = ::fork();
  if (command == 0) execute(supervision);
  if (command < 0) {
    complain(failure("start", supervision.run.argv[0]));
    ::_exit(1);
  }
  // systemctl, deb-systemd-invoke and ischroot recognise a system that is not running by PID 1
  // having another root than they; then they skip what needs a running system instead of failing.
  if (own_namespace && supervision.settings.mount_mode && ::chroot("/proc") != 0) {
    complain(failure("change root to", "/proc"));
  }
  wait_for(command, signals);
  if (!own_namespace && !supervision.settings.may_leave_daemons) kill_descendants(command);
  ::_exit(0);
}

}  // namespace kiln::agent
