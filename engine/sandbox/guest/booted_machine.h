#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/sandbox/agent_port.h"
#include "engine/sandbox/guest/booted_agent.h"
#include "engine/sandbox/guest/domain_xml.h"
#include "engine/sandbox/guest/saved_guest.h"
#include "engine/sandbox/guest/tpm_emulator.h"
#include "engine/sandbox/guest/virt_root.h"
#include "engine/sandbox/sandbox.h"

namespace kiln {

/// The machine in which an image's own system runs, and the agent in that system, whichever system
/// it is.
class BootedMachine {
 public:
  using Clock = std::chrono::steady_clock;

  /// @param restart_step the type of a template's step that restarts such a system
  BootedMachine(SandboxOptions options, SandboxContext context, std::string_view restart_step)
      : options_(std::move(options)), context_(std::move(context)), restart_step_(restart_step) {}

  /// Looks for what the machine needs of the host, before the disk is written.
  Result<void> prepare();
  /// The machine as the options ask for it.
  Result<DomainSpec> specify(const WorkDisk& disk, Firmware firmware);
  /// Switches it on and waits for the agent.
  /// @param system its name, for a person
  Result<void> boot(const DomainSpec& spec, const std::string& system);
  /// Has it go on from what was saved of such a machine, at rest but for its agent's session.
  Result<void> resume(DomainSpec spec, const SavedGuest& saved);
  /// Between two of the agent's requests. See Sandbox::begin_layer.
  /// @param facts `machine` and `resumed` are filled in
  Result<void> save(GuestFacts facts,
                    const std::filesystem::path& overlay,
                    const std::filesystem::path& system);
  /// Waits for the agent of a system that starts.
  Result<void> connect(std::chrono::milliseconds limit, Error too_late);
  /// Waits until a system that was told to restart does so.
  /// @param before domain().restarts() as it was before
  /// @param command that told it
  Result<void> await_reset(int before, Clock::time_point deadline, std::string_view command);
  /// Waits until a system that was told to shut down has switched the machine off, and lets go of
  /// it.
  Result<void> await_end(Clock::time_point deadline, std::chrono::milliseconds limit);
  /// A system that answers and yet does not shut down at least has its disks made whole.
  void cut_power();
  /// Quotes the console where waiting for the system was cut short.
  Result<void> with_last_words(Result<void> waited) const;

  /// Whether it has been switched on and not been let go.
  [[nodiscard]] bool is_there() const { return domain_ != nullptr; }
  [[nodiscard]] bool answers() const { return agent_ && agent_->connected(); }
  RunningDomain& domain() { return *domain_; }
  BootedAgent& agent() {
    KILN_CHECK(agent_ != nullptr);
    return *agent_;
  }

 private:
  SandboxOptions options_;
  SandboxContext context_;
  std::string_view restart_step_;
  Accelerator accelerator_ = Accelerator::kTcg;
  std::optional<PortFolder> port_;
  std::optional<TpmEmulator> tpm_;
  std::unique_ptr<VirtRoot> virt_;
  DomainSpec spec_;            ///< of the domain
  std::uint32_t resumed_ = 0;  ///< see GuestFacts
  std::uint32_t layers_ = 0;   ///< begun since it was switched on
  std::unique_ptr<RunningDomain> domain_;
  std::unique_ptr<BootedAgent> agent_;
};

/// What is left until then.
std::chrono::milliseconds until(BootedMachine::Clock::time_point deadline);

/// In the service's words.
Error restart_timeout();

}  // namespace kiln
