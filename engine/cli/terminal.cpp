#include "engine/cli/terminal.h"

#include <atomic>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace kiln {
namespace {

// A signal handler can reach nothing but globals.
termios cooked;                 // NOLINT
std::atomic<bool> raw = false;  // NOLINT

}  // namespace

bool is_interactive() {
  return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
}

GuestTerminalSize terminal_size() {
  winsize size{};
  if (::ioctl(STDIN_FILENO, TIOCGWINSZ, &size) != 0) return {};
  return {size.ws_row, size.ws_col};
}

RawTerminal::RawTerminal() {
  if (::tcgetattr(STDIN_FILENO, &cooked) != 0) return;
  auto settings = cooked;
  ::cfmakeraw(&settings);
  raw = true;
  ::tcsetattr(STDIN_FILENO, TCSADRAIN, &settings);
}

RawTerminal::~RawTerminal() {
  restore_terminal();
}

void restore_terminal() noexcept {
  if (raw.exchange(false)) ::tcsetattr(STDIN_FILENO, TCSANOW, &cooked);
}

}  // namespace kiln
