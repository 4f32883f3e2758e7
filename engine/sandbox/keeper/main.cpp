// Stands in for qemu as libvirt's emulator: leaves a watcher behind and becomes qemu, in the same
// process. libvirt's embedded driver detaches the emulator from whoever uses the driver, so nothing
// else would end the virtual machine when Kiln is killed. The watcher waits for the end of Kiln and
// then kills every process that came out of this one, wherever it has gone.
//
// Its own folder holds `qemu`, a symbolic link to the real emulator. KILN_OWNER is Kiln's process
// id; where libvirt only asks the emulator for its abilities, that is our parent.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

constexpr const char* kMark = "KILN_KEPT_BY";
constexpr int kLookEvery = 1000;  // milliseconds

int open_process(pid_t pid) {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U));
}

std::string read_file(const std::string& path) {
  std::string text;
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return text;
  char piece[4096];
  for (ssize_t got = 0; (got = ::read(file, piece, sizeof piece)) > 0;) {
    text.append(piece, static_cast<std::size_t>(got));
  }
  ::close(file);
  return text;
}

/// How many live processes carry the mark; with `kill` they are killed.
int marked_processes(const std::string& mark, bool kill) {
  int count = 0;
  DIR* proc = ::opendir("/proc");
  if (proc == nullptr) return 0;
  while (const auto* entry = ::readdir(proc)) {
    const auto pid = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
    if (pid <= 0 || pid == ::getpid()) continue;
    // Taken before the look, so that a reused number cannot be hit.
    const int process = open_process(pid);
    if (process < 0) continue;
    // A dead process that nobody has waited for has no environment any more.
    const auto environment = read_file(std::string("/proc/") + entry->d_name + "/environ");
    if (('\0' + environment).find(mark) != std::string::npos) {
      ++count;
      if (kill) ::syscall(SYS_pidfd_send_signal, process, SIGKILL, nullptr, 0U);
    }
    ::close(process);
  }
  ::closedir(proc);
  return count;
}

/// Lets go of all that belongs to qemu: its monitor, its locks, its disks.
void close_all_but(int one, int other) {
  const auto highest = static_cast<int>(::sysconf(_SC_OPEN_MAX));
  for (int fd = 0; fd < highest; ++fd) {
    if (fd != one && fd != other) ::close(fd);
  }
}

/// @param emulator what becomes qemu; one that has detached itself lives on in another process
[[noreturn]] void watch(int owner, int emulator, const std::string& mark) {
  ::setsid();
  [[maybe_unused]] const int ignored = ::chdir("/");
  close_all_but(owner, emulator);
  pollfd ends[] = {{owner, POLLIN, 0}, {emulator, POLLIN, 0}};
  while (::poll(ends, 2, kLookEvery) <= 0 || ends[0].revents == 0) {
    if (marked_processes(mark, false) == 0) ::_exit(0);
    if (ends[1].revents != 0) ends[1].fd = -1;  // once
  }
  // Again until none is left: one may be starting another just now.
  while (marked_processes(mark, true) > 0) ::usleep(10'000);
  ::_exit(0);
}

std::string target_of(const std::string& link) {
  char path[4096];
  const auto length = ::readlink(link.c_str(), path, sizeof path);
  return length <= 0 ? std::string() : std::string(path, static_cast<std::size_t>(length));
}

/// By its real name, which `ps` shows.
std::string find_qemu() {
  const auto self = target_of("/proc/self/exe");
  return target_of(self.substr(0, self.rfind('/')) + "/qemu");
}

}  // namespace

int main(int /*argc*/, char** argv) {
  const char* named = std::getenv("KILN_OWNER");
  const auto owner = static_cast<pid_t>(named != nullptr ? std::atoi(named) : ::getppid());
  const int owner_process = open_process(owner);
  if (owner_process < 0) {
    std::fprintf(stderr, "vm-keeper: cannot watch over process %d: %s\n", owner, strerror(errno));
    return 1;
  }
  const auto qemu = find_qemu();
  char mark[32];
  std::snprintf(mark, sizeof mark, "%d", ::getpid());
  ::setenv(kMark, mark, 1);
  const int emulator = open_process(::getpid());
  // The watcher starts as a child of what becomes qemu; by then the mark must be in place, so it
  // waits until this end of the pipe is closed by execve.
  int started[2];
  if (::pipe2(started, O_CLOEXEC) != 0) return 1;
  const auto watcher = ::fork();
  if (watcher == 0) {
    ::close(started[1]);
    char byte = 0;
    [[maybe_unused]] const auto end = ::read(started[0], &byte, 1);
    watch(
        owner_process, emulator, std::string(1, '\0') + kMark + "=" + mark + std::string(1, '\0'));
  }
  if (watcher < 0) return 1;
  argv[0] = const_cast<char*>(qemu.c_str());
  ::execv(qemu.c_str(), argv);
  std::fprintf(stderr, "vm-keeper: cannot run %s: %s\n", qemu.c_str(), strerror(errno));
  return 1;
}
