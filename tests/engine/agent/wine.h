#pragma once

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include "engine/core/file.h"
#include "engine/core/temp_dir.h"
#include "engine/core/unique_fd.h"

namespace kiln::test {

/// Wine with a disk and a registry of its own, whose COM2 is a pseudo-terminal.
class Wine {
 public:
  Wine() {
    const auto set = [](const char* name, const std::string& value) {
      ::setenv(name, value.c_str(), 1);
    };
    std::filesystem::create_directory(folder_.path() / "prefix");
    set("HOME", folder_.path().string());
    set("WINEPREFIX", (folder_.path() / "prefix").string());
    set("WINEARCH", "win64");
    set("WINEDEBUG", "-all");
    set("WINEDLLOVERRIDES", "mscoree=d;mshtml=d;winemenubuilder.exe=d");
    ::unsetenv("DISPLAY");
    // Else it ends between two programs, and with it the system that it plays.
    // The first program of a new disk boots it; wineboot would boot it a second time, with a second
    // service control manager that knows nothing of the first one's services.
    ready_ =
        run({"wineserver", "-p"}) == 0 && run({"wine", "cmd", "/c", "exit"}) == 0 && join_port();
  }
  Wine(const Wine&) = delete;
  Wine& operator=(const Wine&) = delete;
  ~Wine() {
    wait_for(start({"wineserver", "-k"}));
    // Debian's leaves its folder of sockets, which it names in a file.
    const auto sockets = read_file(folder_.path() / "prefix/wineserver");
    if (sockets && sockets->rfind("wine-", 0) == 0) {
      std::filesystem::remove_all(std::filesystem::path("/tmp") / *sockets);
    }
  }

  [[nodiscard]] bool ready() const { return ready_; }
  /// `C:\kiln`, made on the way.
  [[nodiscard]] std::filesystem::path folder() const {
    auto folder = folder_.path() / "prefix/drive_c/kiln";
    std::filesystem::create_directories(folder);
    return folder;
  }
  /// The host's end of COM2.
  [[nodiscard]] int port() const { return port_.get(); }
  /// Closes COM2 for whoever has it open, and joins another line to it.
  [[nodiscard]] bool rejoin_port() { return join_port(); }
  /// Starts a program and waits for it; its exit code.
  [[nodiscard]] int run(const std::vector<std::string>& words) const {
    return wait_for(start(words));
  }
  /// Forgets what is on its way to either end.
  void flush_port() const { ::tcflush(guest_end_.get(), TCIOFLUSH); }

  [[nodiscard]] pid_t start(const std::vector<std::string>& words) const {
    std::vector<char*> argv;
    for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    const auto log = (folder_.path() / "output").string();
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    const int null = ::open("/dev/null", O_RDONLY);
    const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(null, STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  /// The exit code; -1 where it was still running after `seconds` and had to be killed.
  static int wait_for(pid_t pid, int seconds = 50) {
    int status = 0;
    for (int left = seconds * 100; left > 0; --left) {
      if (::waitpid(pid, &status, WNOHANG) == pid) {
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      }
      ::usleep(10'000);
    }
    ::kill(pid, SIGKILL);
    ::waitpid(pid, &status, 0);
    return -1;
  }

 private:
  bool join_port() {
    guest_end_.reset();
    port_.reset(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!port_ || ::grantpt(port_.get()) != 0 || ::unlockpt(port_.get()) != 0) return false;
    const std::string name = ::ptsname(port_.get());
    // Held open, so that the line outlives whoever has the port open.
    guest_end_.reset(::open(name.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
    termios raw{};
    if (!guest_end_ || ::tcgetattr(guest_end_.get(), &raw) != 0) return false;
    ::cfmakeraw(&raw);
    ::tcsetattr(guest_end_.get(), TCSANOW, &raw);
    const auto link = folder_.path() / "prefix/dosdevices/com2";
    std::filesystem::remove(link);
    std::filesystem::create_symlink(name, link);
    return true;
  }

  TempDir folder_ = TempDir::create().value();
  UniqueFd port_;
  UniqueFd guest_end_;
  bool ready_ = false;
};

/// Joins a port to a socket, as qemu does it for a machine.
class PortBridge {
 public:
  explicit PortBridge(int port) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
    host_.reset(ends[0]);
    socket_.reset(ends[1]);
    to_guest_ = std::thread([this, port] { carry(socket_.get(), port); });
    to_host_ = std::thread([this, port] { carry(port, socket_.get()); });
  }
  PortBridge(const PortBridge&) = delete;
  PortBridge& operator=(const PortBridge&) = delete;
  ~PortBridge() {
    over_ = true;
    ::shutdown(socket_.get(), SHUT_RDWR);
    to_guest_.join();
    to_host_.join();
  }
  UniqueFd take_socket() { return std::move(host_); }

 private:
  /// Waits shortly at a time, so that the end of the test is the end of it whatever either side
  /// does.
  bool wait(int fd, short event) const {
    constexpr int kLook = 50;
    pollfd polled{fd, event, 0};
    while (!over_) {
      if (::poll(&polled, 1, kLook) > 0) return true;
    }
    return false;
  }
  void carry(int from, int to) const {
    char piece[4096];
    while (wait(from, POLLIN)) {
      const auto got = ::read(from, piece, sizeof piece);
      if (got <= 0) return;
      for (ssize_t done = 0; done < got;) {
        if (!wait(to, POLLOUT)) return;
        const auto written = ::write(to, piece + done, static_cast<std::size_t>(got - done));
        if (written < 0) return;
        done += written;
      }
    }
  }

  UniqueFd host_;
  UniqueFd socket_;
  std::atomic<bool> over_ = false;
  std::thread to_guest_;
  std::thread to_host_;
};

}  // namespace kiln::test
