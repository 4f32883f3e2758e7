#pragma once

namespace kiln::agent {

/// The first process of the micro-appliance (engine/sandbox/micro): makes what programs expect of a
/// system, loads the modules that the disk and the port need, lets `serve` speak with the host in a
/// child, and switches the machine off when that ends. Says on the console when it has nothing to
/// wait for but the disk.
/// @param serve the child's whole life; its exit code
[[noreturn]] void micro_init(int (*serve)(const char* port));

/// Loads the kernel modules that /modules/SET.list names, in its order. What cannot be loaded is
/// complained of on standard error.
/// @param set a name of Kiln's, or one that the kernel asks modprobe(8) for
/// @return whether there is such a set, and all of it was loaded
bool load_modules(const char* set);

}  // namespace kiln::agent
