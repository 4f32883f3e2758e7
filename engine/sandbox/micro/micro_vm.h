#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "engine/agent/guest_agent.h"
#include "engine/core/process_runner.h"
#include "engine/sandbox/agent_port.h"
#include "engine/sandbox/micro/micro_command.h"
#include "engine/sandbox/micro/qmp.h"
#include "engine/sandbox/micro/saved_machine.h"

namespace kiln {

/// A virtual machine that runs nothing but the host's kernel and the agent. Going out of scope
/// kills it.
class MicroVm {
 public:
  /// Comes back when the agent answers.
  /// @param saved what it goes on from, instead of starting
  static Result<MicroVm> start(ProcessRunner& runner,
                               const MicroOptions& options,
                               const MicroFiles& files,
                               const std::optional<SavedMachine>& saved,
                               const CancelToken& cancel);

  /// Runs Kiln's and the host's programs beside the image, not in it.
  [[nodiscard]] GuestAgent& tools() const { return *tools_; }
  /// See ImageSession.
  Result<void> begin_layer(const std::filesystem::path& overlay, const CancelToken& cancel);
  /// Ends the agent, which switches the machine off, and waits until qemu has closed the disk.
  Result<void> power_off(const CancelToken& cancel);

 private:
  MicroVm(std::filesystem::path console_log, PortFolder port)
      : console_log_(std::move(console_log)), port_(std::move(port)) {}
  /// With what the machine said last.
  [[nodiscard]] Error failure(Error cause) const;
  /// Waits until qemu listens on a socket.
  Result<UniqueFd> reach(const std::filesystem::path& socket, const CancelToken& cancel);
  Result<void> resume(const MicroOptions& options,
                      const SavedMachine& saved,
                      const CancelToken& cancel);

  std::filesystem::path console_log_;
  PortFolder port_;
  std::unique_ptr<ChildProcess> qemu_;
  std::unique_ptr<GuestAgent> tools_;
  std::optional<Qmp> monitor_;  ///< once it was needed
};

}  // namespace kiln
