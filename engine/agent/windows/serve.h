#pragma once

#include <string>
#include <windows.h>

namespace kiln::agent {

struct ServeOptions {
  std::wstring port;       ///< such as COM2
  DWORD wait_seconds = 0;  ///< for the port to be there
  bool serve_again =
      false;         ///< waits for ever for the port, and for another session after a lost one
  std::wstring log;  ///< a file; nothing is logged where empty
};

/// Speaks the protocol on the port until the host quits, or is gone and `serve_again` is not set.
/// @param stop an event that ends it
/// @return the program's exit code: 0 after quit and after a stop
int serve(const ServeOptions& options, HANDLE stop);

}  // namespace kiln::agent
