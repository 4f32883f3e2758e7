#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "engine/sandbox/guest/virt_connection.h"

namespace kiln {

/// The libvirt that a machine is started by: the embedded driver with its folder, which is in the
/// work folder where the path is short enough for the sockets in it, else a temporary one, the
/// same for all of this process, because the driver takes no other; or another libvirt.
class VirtRoot {
 public:
  /// @param uri of another libvirt; empty: the embedded driver
  static Result<std::unique_ptr<VirtRoot>> open(const std::filesystem::path& work_folder,
                                                const std::filesystem::path& cache_folder,
                                                const std::string& uri);

  [[nodiscard]] const std::shared_ptr<VirtConnection>& connection() const { return connection_; }
  /// What libvirt is to start as qemu.
  [[nodiscard]] const std::filesystem::path& emulator() const { return emulator_; }
  /// The process of a machine that runs; nothing where another libvirt has it.
  [[nodiscard]] std::optional<int> process_of(const std::string& machine) const;

 private:
  VirtRoot(std::filesystem::path process_ids,
           std::shared_ptr<VirtConnection> connection,
           std::filesystem::path emulator)
      : process_ids_(std::move(process_ids)),
        connection_(std::move(connection)),
        emulator_(std::move(emulator)) {}
  std::filesystem::path process_ids_;  // where the embedded driver keeps them
  std::shared_ptr<VirtConnection> connection_;
  std::filesystem::path emulator_;
};

}  // namespace kiln
