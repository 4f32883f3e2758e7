#pragma once

#include <string>
#include <windows.h>

namespace kiln::agent {

struct ServeOptions {
  std::wstring port;       ///< such as COM2
  DWORD wait_seconds = 0;  ///< for the port to be there
};

/// Speaks the protocol on the port until the host quits or is gone.
/// @param stop an event that ends it
/// @return the program's exit code: 0 after quit and after a stop
int serve(const ServeOptions& options, HANDLE stop);

}  // namespace kiln::agent
