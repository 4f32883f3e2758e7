#pragma once

#include <filesystem>
#include <optional>

#include "engine/core/result.h"
#include "engine/core/temp_dir.h"
#include "engine/core/unique_fd.h"

namespace kiln {

/// The port of the agent that runs steps, mounted or booted: /dev/virtio-ports/NAME in Linux.
inline constexpr const char* kAgentPortName = "org.kiln.0";

/// Where temporary folders have short paths; libguestfs's own socket stands in the same place.
std::filesystem::path short_folder();

/// Connects to a port's socket, on which qemu listens.
Result<UniqueFd> connect_agent_port(const std::filesystem::path& socket);

/// A private place for an agent's socket whose path is short enough for a Unix socket address: the
/// work folder where it will do, else a temporary one.
class PortFolder {
 public:
  /// @param name of the socket
  static Result<PortFolder> create(const std::filesystem::path& work_folder,
                                   const char* name = "agent.sock");
  [[nodiscard]] const std::filesystem::path& socket() const { return socket_; }
  [[nodiscard]] Result<UniqueFd> connect() const { return connect_agent_port(socket_); }

 private:
  PortFolder(std::filesystem::path socket, std::optional<TempDir> temporary)
      : socket_(std::move(socket)), temporary_(std::move(temporary)) {}
  std::filesystem::path socket_;
  std::optional<TempDir> temporary_;
};

}  // namespace kiln
