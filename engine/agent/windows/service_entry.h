#pragma once

#include "engine/agent/windows/serve.h"

namespace kiln::agent {

inline constexpr const wchar_t* kServiceName = L"KilnAgent";

/// What `--remove` tells the service that runs: to remove its own file when it ends. The first of
/// the numbers that Windows leaves to services.
inline constexpr DWORD kControlRemoveFile = 128;

/// Makes this program a service that starts with the system, as LocalSystem, with these options.
/// @return the program's exit code; what failed is on standard error
int install_service(const ServeOptions& options);

/// Takes the build's administrator out, and the service, also while it runs: its entry goes when it
/// has stopped, and its file when its process has ended. Nothing waits for a restart, which sysprep
/// would refuse. Nothing to remove is no error.
int remove_service();

}  // namespace kiln::agent
