#pragma once

namespace kiln::agent {

/// As the first process of a kernel that was booted only to see whether it comes up: says so on
/// the console and powers off. `disk/` and `engine/sandbox` call this the acceleration probe.
[[noreturn]] void probe_init();

}  // namespace kiln::agent
