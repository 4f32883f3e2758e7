#include "engine/sandbox/guest/guest.h"

#include <unistd.h>

#include "disk/inspect/private_folder.h"
#include "engine/core/text.h"
#include "engine/sandbox/acceleration.h"
#include "engine/sandbox/agent_port.h"
#include "engine/sandbox/appliance/appliance.h"
#include "engine/sandbox/appliance/mounted_image.h"
#include "engine/sandbox/frozen_disks.h"
#include "engine/sandbox/guest/booted_agent.h"
#include "engine/sandbox/guest/domain_xml.h"
#include "engine/sandbox/guest/firmware.h"
#include "engine/sandbox/guest/placement.h"
#include "engine/sandbox/guest/system_state.h"
#include "engine/sandbox/guest/tpm_emulator.h"
#include "engine/sandbox/guest/virt_root.h"
#include "engine/sandbox/timed.h"

namespace kiln {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kShutdownPatience = std::chrono::minutes(5);
/// From the agent's first word until the system is up.
constexpr auto kSystemPatience = std::chrono::minutes(5);

std::string elapsed_since(Clock::time_point start) {
  return format_duration(
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start));
}

std::chrono::milliseconds until(Clock::time_point deadline) {
  return std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
}

Error boot_timeout(std::chrono::milliseconds limit) {
  return fail(ErrorKind::kTimeout,
              "Sandbox:BootTimeout",
              "the image's system did not start Kiln's agent within {}",
              format_duration(limit))
      .cure(
          "the lines above are the console's last; --boot-timeout gives it longer, and "
          "--mode mount works without starting it");
}

Error restart_timeout() {
  // The service's words for it.
  constexpr const char* kTooLate = "Timeout waiting for machine to restart.";
  return fail(ErrorKind::kTimeout, "Sandbox:RestartTimeout", kTooLate)
      .cure("the lines above are the console's last; a longer restartTimeout may help");
}

class GuestSandbox : public Sandbox {
 public:
  GuestSandbox(WorkDisk disk, SandboxOptions options, SandboxContext context)
      : disk_(std::move(disk)), options_(options), context_(std::move(context)) {}

  Result<void> start();

  [[nodiscard]] const GuestSystem& system() const override { return system_; }
  GuestAgent& agent() override { return appliance_ ? appliance_->agent() : *agent_; }
  Result<void> restart(std::chrono::milliseconds limit) override;
  Result<void> rest() override;
  Result<void> begin_layer(const std::filesystem::path& overlay) override;
  Result<FileTree*> seal() override {
    KILN_TRY(rest());
    return appliance_->seal();
  }
  Result<void> halt() override;
  Result<void> finish() override {
    KILN_CHECK(appliance_ != nullptr);
    return appliance_->finish();
  }

 private:
  /// Puts the agent into the disk.
  Result<Firmware> prepare_disk();
  Result<DomainSpec> specify(Firmware firmware);
  Result<void> boot(const DomainSpec& spec);
  /// Waits for the agent of a system that starts.
  Result<void> connect(std::chrono::milliseconds limit, Error too_late);
  /// Asks the system for it and lets the agent go.
  Result<void> send_off(Shutdown what, Clock::time_point deadline);
  Result<void> await_reset(Clock::time_point deadline);
  Result<void> restart_by(Clock::time_point deadline);
  Result<void> shut_down(std::chrono::milliseconds limit);
  void cut_power();
  /// Quotes the console where waiting for the system was cut short.
  Result<void> with_last_words(Result<void> waited) const;
  /// Has the appliance take the disk of a machine that is off, and takes the agent out of it.
  Result<void> take_over();

  WorkDisk disk_;
  SandboxOptions options_;
  SandboxContext context_;
  Accelerator accelerator_ = Accelerator::kTcg;
  GuestSystem system_;
  Placement placement_;
  std::optional<PortFolder> port_;
  std::optional<TpmEmulator> tpm_;
  std::unique_ptr<VirtRoot> virt_;
  std::unique_ptr<RunningDomain> domain_;
  std::unique_ptr<BootedAgent> agent_;
  std::unique_ptr<Sandbox> appliance_;  ///< once the guest is at rest
};

Result<Firmware> GuestSandbox::prepare_disk() {
  KILN_TRY_ASSIGN(auto image, mount_image(disk_, options_, context_, std::nullopt));
  system_ = image.system;
  KILN_TRY_ASSIGN(const auto boot_code, image.session->boot_code());
  KILN_TRY_ASSIGN(const auto firmware,
                  choose_firmware(options_.firmware, image.file_systems, boot_code));
  KILN_TRY_ASSIGN(placement_, place_agent(*image.session, private_folder_name()));
  KILN_TRY(image.session->finish());
  disk_.set_filled();
  return firmware;
}

Result<DomainSpec> GuestSandbox::specify(Firmware firmware) {
  DomainSpec spec;
  // Another libvirt may have machines of other builds.
  spec.name = options_.connect.empty() ? "kiln" : fmt::format("kiln-{}", ::getpid());
  spec.accelerator = accelerator_;
  spec.memory_mib = options_.memory_mib;
  spec.vcpus = vcpus_to_boot(options_);
  spec.network = options_.network;
  spec.without_cx16 = runs_without_cx16(system_.os_id);
  spec.emulator = virt_->emulator();
  spec.owner = ::getpid();
  spec.disk_node = disk_.node(/*read_only=*/false);
  spec.media = options_.media;
  spec.console_log = context_.work_folder / kConsoleLog;
  spec.agent_socket = port_->socket();
  if (options_.trusted_launch) {
    KILN_TRY_ASSIGN(
        tpm_, TpmEmulator::start(context_.runner, port_->socket().parent_path(), context_.cancel));
    spec.tpm_socket = tpm_->socket();
  }
  if (firmware == Firmware::kUefi) {
    KILN_TRY_ASSIGN(spec.uefi, prepare_uefi(context_.work_folder, options_.trusted_launch));
  }
  return spec;
}

Result<void> GuestSandbox::boot(const DomainSpec& spec) {
  const auto start = Clock::now();
  KILN_TRY_ASSIGN(domain_, start_domain(virt_->connection(), domain_xml(spec)));
  agent_ = std::make_unique<BootedAgent>(*domain_, spec.console_log);
  const auto limit = options_.boot_time_limit;
  KILN_TRY_WHILE(connect(limit, boot_timeout(limit)),
                 "booting {} by {}",
                 system_.pretty_name,
                 spec.uefi ? "UEFI" : "BIOS");
  notice(context_.events, fmt::format("agent up {} after power-on", elapsed_since(start)));
  KILN_TRY(
      await_system(*agent_, placement_.init, context_.events, kSystemPatience, context_.cancel));
  tell_time(context_.events,
            TimedKind::kVm,
            fmt::format("{} booted by {}", system_.pretty_name, spec.uefi ? "UEFI" : "BIOS"),
            start,
            spec.accelerator == Accelerator::kTcg ? " (emulated)" : "");
  return {};
}

Result<void> GuestSandbox::connect(std::chrono::milliseconds limit, Error too_late) {
  KILN_TRY(agent_->connect(port_->socket(), limit, std::move(too_late), context_.cancel));
  if (options_.destinations.empty()) return {};
  return agent_->forward(options_.destinations, context_.cancel);
}

Result<void> GuestSandbox::start() {
  if (options_.trusted_launch) {
    KILN_TRY(find_uefi_code(/*secure=*/true));
    KILN_TRY(find_tpm_emulator());
  }
  KILN_TRY_ASSIGN(accelerator_, settle_accelerator(options_, context_));
  KILN_TRY_ASSIGN(virt_,
                  VirtRoot::open(context_.work_folder, context_.cache_folder, options_.connect));
  KILN_TRY_ASSIGN(port_, PortFolder::create(context_.work_folder));
  KILN_TRY_ASSIGN(const auto firmware, prepare_disk());
  KILN_TRY_ASSIGN(const auto spec, specify(firmware));
  return with_last_words(boot(spec));
}

Result<void> GuestSandbox::with_last_words(Result<void> waited) const {
  if (waited || !agent_ || !waited.error().quoted().empty()) return waited;
  const auto kind = waited.error().kind();
  if (kind != ErrorKind::kTimeout && kind != ErrorKind::kCancelled) return waited;
  return std::move(waited).error().quoting(agent_->console_tail());
}

Result<void> GuestSandbox::send_off(Shutdown what, Clock::time_point deadline) {
  const auto* command = shutdown_command(placement_.init, what);
  KILN_TRY(ask_for_shutdown(*agent_, command, until(deadline), context_.cancel));
  // Or else it would cut the power when it finds itself alone.
  KILN_TRY(agent_->quit(context_.cancel));
  agent_->disconnect();
  return {};
}

Result<void> GuestSandbox::await_reset(Clock::time_point deadline) {
  const auto before = domain_->restarts();
  KILN_TRY(send_off(Shutdown::kReboot, deadline));
  while (domain_->restarts() == before) {
    constexpr std::chrono::milliseconds kLookEvery(100);
    if (Clock::now() >= deadline) return restart_timeout();
    KILN_TRY_ASSIGN(const bool ended, domain_->wait_for_end(kLookEvery, context_.cancel));
    if (!ended) continue;
    return fail(ErrorKind::kGuestFailed,
                "Sandbox:GuestEnded",
                "the image's system switched its machine off instead of restarting")
        .quoting(agent_->console_tail())
        .cure(fmt::format("find out why `{}` ends like this in the image",
                          shutdown_command(placement_.init, Shutdown::kReboot)));
  }
  return {};
}

Result<void> GuestSandbox::restart(std::chrono::milliseconds limit) {
  const auto start = Clock::now();
  KILN_CHECK(agent_ != nullptr);
  KILN_TRY_WHILE(with_last_words(restart_by(start + limit)), "restarting {}", system_.pretty_name);
  tell_time(context_.events, TimedKind::kVm, "restarted", start);
  return {};
}

Result<void> GuestSandbox::restart_by(Clock::time_point deadline) {
  KILN_TRY_ASSIGN(const auto before, boot_id(*agent_, context_.cancel));
  KILN_TRY(await_reset(deadline));
  KILN_TRY(connect(until(deadline), restart_timeout()));
  KILN_TRY_ASSIGN(const auto after, boot_id(*agent_, context_.cancel));
  if (after == before) {
    return fail(ErrorKind::kGuestFailed,
                "Sandbox:NotRestarted",
                "the machine was reset, and yet the system is the same as before");
  }
  return await_system(*agent_,
                      placement_.init,
                      context_.events,
                      std::min<std::chrono::milliseconds>(until(deadline), kSystemPatience),
                      context_.cancel);
}

Result<void> GuestSandbox::shut_down(std::chrono::milliseconds limit) {
  const auto start = Clock::now();
  KILN_TRY(send_off(Shutdown::kPowerOff, start + limit));
  KILN_TRY_ASSIGN(const bool ended, domain_->wait_for_end(until(start + limit), context_.cancel));
  if (!ended) {
    return fail(ErrorKind::kTimeout,
                "Sandbox:ShutdownTimeout",
                "the image's system did not shut down within {}",
                format_duration(limit))
        .cure("the lines above are the console's last: find the service that does not end");
  }
  agent_.reset();
  domain_.reset();
  tpm_.reset();
  tell_time(context_.events, TimedKind::kVm, "shut down", start);
  return {};
}

Result<void> GuestSandbox::rest() {
  if (appliance_) return {};
  KILN_TRY_WHILE(
      with_last_words(shut_down(kShutdownPatience)), "shutting down {}", system_.pretty_name);
  return take_over();
}

/// A disk of a running system is no place to start from: what runs in it is not on the disk.
Result<void> GuestSandbox::begin_layer(const std::filesystem::path& overlay) {
  if (appliance_) return appliance_->begin_layer(overlay);
  return fail(ErrorKind::kUnsupported,
              "Sandbox:SystemRuns",
              "the image's own system runs, and what runs is not on its disk");
}

Result<void> GuestSandbox::halt() {
  const bool answers = agent_ && agent_->connected();
  if (domain_ && (!answers || !shut_down(options_.halt_time_limit))) {
    KILN_TRY(context_.cancel.check());
    warning(context_.events, "the image's system does not shut down, so its power is cut");
    cut_power();
  }
  if (!appliance_) KILN_TRY(take_over());
  return appliance_->halt();
}

/// A system that answers and yet does not shut down at least has its disks made whole.
void GuestSandbox::cut_power() {
  const auto cut = [this]() -> Result<void> {
    domain_->cut_power();
    return {};
  };
  // It cannot say any more that it is done.
  if (agent_ && agent_->connected()) std::ignore = while_frozen(*agent_, cut, context_.cancel);
  agent_.reset();
  domain_.reset();
}

Result<void> GuestSandbox::take_over() {
  KILN_TRY_ASSIGN(appliance_, start_appliance(disk_, options_, context_));
  KILN_TRY_WHILE(take_out(placement_, appliance_->agent(), context_.cancel),
                 "taking Kiln's agent out of the image");
  return {};
}

}  // namespace

Result<std::unique_ptr<Sandbox>> start_guest(const WorkDisk& disk,
                                             const SandboxOptions& options,
                                             const SandboxContext& context) {
  auto sandbox = std::make_unique<GuestSandbox>(disk, options, context);
  KILN_TRY(sandbox->start());
  return std::unique_ptr<Sandbox>(std::move(sandbox));
}

}  // namespace kiln
