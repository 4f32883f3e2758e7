#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "engine/core/result.h"

struct _virConnect;  // NOLINT: libvirt's own name for what virConnectPtr points to

namespace kiln {

/// A connection to libvirt and the thread that handles its events.
class VirtConnection {
 public:
  virtual ~VirtConnection() = default;
  [[nodiscard]] virtual _virConnect* handle() const = 0;
  /// libvirt's version, as it counts it.
  [[nodiscard]] virtual unsigned long version() const = 0;
  /// In this process, where nobody else has machines, and nobody ends ours when we are gone.
  [[nodiscard]] virtual bool embedded() const = 0;
};

/// libvirt's driver for qemu inside of this process: no daemon, no configuration of the host.
/// A process has one at a time, with one root for good, so a second call gets what the first one
/// opened while that is in use.
/// @param root becomes the driver's folder for sockets, logs and configuration; short, see
///   kLongestVirtRoot
/// @param capabilities where it keeps what it found out about emulators
Result<std::shared_ptr<VirtConnection>> open_embedded_virt(
    const std::filesystem::path& root, const std::filesystem::path& capabilities);

/// Another libvirt, of a daemon that must be able to open this user's files, such as
/// `qemu:///session`.
Result<std::shared_ptr<VirtConnection>> open_virt(const std::string& uri);

/// `ROOT/lib/qemu/domain-NN-NAME/monitor.sock` must fit into a Unix socket's address.
inline constexpr std::size_t kLongestVirtRoot = 107 - 40;

/// The error of the libvirt call that has just failed on this thread.
Error virt_error(std::string_view code, std::string doing);

}  // namespace kiln
