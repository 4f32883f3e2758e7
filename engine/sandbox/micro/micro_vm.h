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
  /// Begins to start a machine, which waits for its disk.
  /// @param saved what it goes on from, instead of starting
  static Result<MicroVm> begin(ProcessRunner& runner,
                               const MicroOptions& options,
                               const MicroFiles& files,
                               const std::optional<SavedMachine>& saved,
                               const CancelToken& cancel);
  /// Puts the disk and the discs in, of which `begin` needs to know nothing yet. Comes back when
  /// the agent answers.
  Result<void> give_disk(const MicroOptions& options, const CancelToken& cancel);

  /// Runs Kiln's and the host's programs beside the image, not in it.
  [[nodiscard]] GuestAgent& tools() const { return *tools_; }
  /// See ImageSession.
  Result<void> begin_layer(const std::filesystem::path& overlay, const CancelToken& cancel);
  /// Ends the agent, which switches the machine off, and waits until qemu has closed the disk.
  Result<void> power_off(const CancelToken& cancel);

 private:
  MicroVm(std::filesystem::path console_log, PortFolder port, bool resumed)
      : console_log_(std::move(console_log)), port_(std::move(port)), resumed_(resumed) {}
  /// With what the machine said last.
  [[nodiscard]] Error failure(Error cause) const;
  [[nodiscard]] Error not_started(Error cause) const;
  /// Waits until qemu listens on a socket.
  Result<UniqueFd> reach(const std::filesystem::path& socket, const CancelToken& cancel);
  /// The monitor is there after it.
  Result<void> reach_monitor(const CancelToken& cancel);
  Result<void> put_in(const nlohmann::json& node, nlohmann::json device, const CancelToken& cancel);
  Result<void> bring_up(const MicroOptions& options, const CancelToken& cancel);

  std::filesystem::path console_log_;
  PortFolder port_;
  bool resumed_;
  std::unique_ptr<ChildProcess> qemu_;
  std::unique_ptr<GuestAgent> tools_;
  std::optional<Qmp> monitor_;
  std::string node_;     ///< what qemu calls the file that the disk's writes go to
  unsigned layers_ = 0;  ///< begun on this machine
};

}  // namespace kiln
