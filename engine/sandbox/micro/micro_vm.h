#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "disk/inspect/image_session.h"
#include "engine/agent/guest_agent.h"
#include "engine/core/process_runner.h"
#include "engine/sandbox/agent_port.h"
#include "engine/sandbox/micro/micro_files.h"
#include "engine/sandbox/micro/qmp.h"

namespace kiln {

struct MicroOptions {
  std::filesystem::path disk;  ///< a qcow2 file that may be thrown away, such as an overlay
  bool emulate = true;         ///< TCG; else KVM
  unsigned memory_mib = 1024;
  unsigned vcpus = 1;
  bool network = false;
  std::filesystem::path console_log;  ///< what the kernel and the first process say
  std::filesystem::path work_folder;  ///< private, for the socket
  std::optional<GuestPort> port;      ///< a second one, for the agent of the steps
  std::vector<AttachedDisc> discs;
};

/// qemu's command line for it.
/// @param socket of the port that the tools listen on; the monitor's is beside it
Command micro_command(const MicroOptions& options,
                      const MicroFiles& files,
                      const std::filesystem::path& socket);

/// A virtual machine that runs nothing but the host's kernel and the agent. Going out of scope
/// kills it.
class MicroVm {
 public:
  /// Comes back when the agent answers.
  static Result<MicroVm> start(ProcessRunner& runner,
                               const MicroOptions& options,
                               const MicroFiles& files,
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
  Result<void> connect(const CancelToken& cancel);

  std::filesystem::path console_log_;
  PortFolder port_;
  std::unique_ptr<ChildProcess> qemu_;
  std::unique_ptr<GuestAgent> tools_;
  std::optional<Qmp> monitor_;  ///< once it was needed
};

}  // namespace kiln
