#include "engine/cli/signals.h"

#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <sys/eventfd.h>

#include "engine/cli/terminal.h"

namespace kiln {
namespace {

constexpr std::array<int, 3> kSignals = {SIGINT, SIGTERM, SIGHUP};
constexpr int kImpatience = 3;

// A signal handler can reach nothing but globals.
std::atomic<int> wake_fd = -1;          // NOLINT
std::atomic<int> signals_received = 0;  // NOLINT

void on_signal(int number) {
  if (++signals_received >= kImpatience) {
    restore_terminal();
    ::_exit(128 + number);
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_fd, &one, sizeof one);
}

}  // namespace

SignalCancellation::SignalCancellation() {
  wake_fd = ::eventfd(0, EFD_CLOEXEC);
  watcher_ = std::jthread([this](const std::stop_token& stop) {
    std::uint64_t count = 0;
    while (::read(wake_fd, &count, sizeof count) != sizeof count) {
    }
    if (stop.stop_requested()) return;
    std::fputs("\nkiln: cancelling; cleaning up\n", stderr);
    source_.request();
  });
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (const int number : kSignals) ::sigaction(number, &action, nullptr);
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, nullptr);
}

SignalCancellation::~SignalCancellation() {
  for (const int number : kSignals) std::signal(number, SIG_DFL);
  watcher_.request_stop();
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_fd, &one, sizeof one);
  watcher_.join();
  ::close(wake_fd.exchange(-1));
}

}  // namespace kiln
