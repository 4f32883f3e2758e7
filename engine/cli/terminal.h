#pragma once

#include "engine/agent/guest_agent.h"

namespace kiln {

/// Whether standard input and output are one person's terminal.
bool is_interactive();

GuestTerminalSize terminal_size();

/// Hands every key to whoever reads standard input, until it goes out of scope or the process is
/// ended by signals: Ctrl-C is then a key like any other.
class RawTerminal {
 public:
  RawTerminal();
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;
  ~RawTerminal();
};

/// Undoes a RawTerminal where there is one; may be called by a signal handler.
void restore_terminal() noexcept;

}  // namespace kiln
