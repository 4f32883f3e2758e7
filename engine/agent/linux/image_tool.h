#pragma once

#include <string>
#include <vector>

namespace kiln::agent {

/// What the host asks of the micro-appliance about the image at /sysroot, one program's run each:
///
///     modules SET                              load_modules
///     network ADDRESS NETMASK GATEWAY          give eth0 an address
///     head DEVICE BYTES                        the beginning of a device
///     mount DEVICE MOUNT_POINT TYPE OPTIONS    the mount point is made where it is absent
///     unmount-all
///     trim MOUNT_POINT
///     kind PATH | size PATH | read PATH | list PATH | glob PATTERN
///     changed SECONDS LIMIT                    what is no folder and was changed since (ctime)
///     write PATH MODE | mkdir PATH MODE | link TARGET PATH | remove PATH
///
/// Paths are the image's, seen from its root, so that no symbolic link leads out of it. Answers go
/// to standard output, lists with a zero byte after each element; `write` takes standard input.
/// `changed` tells how many more there are than LIMIT, and then of each `MILLISECONDS SIZE PATH`.
/// @return the exit code: 0, 1 with the reason on standard error, 2 where there is no such file, 64
/// for what is not understood
int image_tool(const std::vector<std::string>& arguments);

/// These have files of their own.
int mount_in_image(const std::vector<std::string>& arguments);
int unmount_image(const std::vector<std::string>& arguments);
int trim_image(const std::vector<std::string>& arguments);
int set_up_network(const std::vector<std::string>& arguments);
/// Gives the kernel's random numbers another beginning: up to 256 bytes of standard input.
int reseed(const std::vector<std::string>& arguments);
void bring_up_loopback();
/// An address of this machine's that no other can reach.
bool add_loopback_address(const std::string& address);

inline constexpr const char* kImageRoot = "/sysroot";

/// Complains of errno; the exit code for it.
int tool_failure(const char* what, const std::string& path);

}  // namespace kiln::agent
