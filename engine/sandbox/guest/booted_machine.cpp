#include "engine/sandbox/guest/booted_machine.h"

#include <unistd.h>

#include "engine/core/file.h"
#include "engine/core/text.h"
#include "engine/sandbox/acceleration.h"
#include "engine/sandbox/frozen_disks.h"
#include "engine/sandbox/guest/firmware.h"

namespace kiln {
namespace {

std::string elapsed_since(BootedMachine::Clock::time_point start) {
  return format_duration(
      std::chrono::duration_cast<std::chrono::milliseconds>(BootedMachine::Clock::now() - start));
}

/// The disk's topmost block node after so many layers.
std::string layer_node(std::uint32_t layers) {
  return layers == 0 ? kDiskNode : fmt::format("{}-{}", kDiskNode, layers);
}

Error boot_timeout(std::chrono::milliseconds limit, DeviceDrivers drivers) {
  return fail(ErrorKind::kTimeout,
              "Sandbox:BootTimeout",
              "the image's system did not start Kiln's agent within {}",
              format_duration(limit))
      .cure(fmt::format("the lines above are the console's last; --boot-timeout gives it longer{}",
                        drivers == DeviceDrivers::kWindows
                            ? ""
                            : ", and --mode mount works without starting it"));
}

}  // namespace

std::chrono::milliseconds until(BootedMachine::Clock::time_point deadline) {
  return std::chrono::ceil<std::chrono::milliseconds>(deadline - BootedMachine::Clock::now());
}

Error restart_timeout() {
  constexpr const char* kTooLate = "Timeout waiting for machine to restart.";
  return fail(ErrorKind::kTimeout, "Sandbox:RestartTimeout", kTooLate)
      .cure("the lines above are the console's last; a longer restartTimeout may help");
}

Result<void> BootedMachine::prepare() {
  if (options_.trusted_launch) {
    KILN_TRY(find_uefi_code(/*secure=*/true));
    KILN_TRY(find_tpm_emulator());
  }
  KILN_TRY_ASSIGN(accelerator_, settle_accelerator(options_, context_));
  KILN_TRY_ASSIGN(virt_,
                  VirtRoot::open(context_.work_folder, context_.cache_folder, options_.connect));
  KILN_TRY_ASSIGN(port_, PortFolder::create(context_.work_folder));
  return {};
}

Result<DomainSpec> BootedMachine::specify(const WorkDisk& disk, Firmware firmware) {
  DomainSpec spec;
  // Another libvirt may have machines of other builds.
  spec.name = options_.connect.empty() ? "kiln" : fmt::format("kiln-{}", ::getpid());
  spec.accelerator = accelerator_;
  spec.memory_mib = options_.memory_mib;
  spec.vcpus = vcpus_to_boot(options_);
  spec.network = options_.network;
  spec.emulator = virt_->emulator();
  spec.owner = ::getpid();
  spec.disk_node = disk.node(/*read_only=*/false);
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

Result<void> BootedMachine::boot(const DomainSpec& spec, const std::string& system) {
  const auto start = Clock::now();
  spec_ = spec;
  KILN_TRY_ASSIGN(domain_, start_domain(*virt_, spec));
  const bool serial = spec.drivers == DeviceDrivers::kWindows;
  agent_ = std::make_unique<BootedAgent>(*domain_,
                                         spec.console_log,
                                         serial ? PortUse::kFirmwareToo : PortUse::kAgentOnly,
                                         restart_step_);
  const auto limit = options_.boot_time_limit;
  KILN_TRY_WHILE(connect(limit, boot_timeout(limit, spec.drivers)),
                 "booting {} by {}",
                 system,
                 spec.uefi ? "UEFI" : "BIOS");
  notice(context_.events, fmt::format("agent up {} after power-on", elapsed_since(start)));
  return {};
}

Result<void> BootedMachine::resume(DomainSpec spec, const SavedGuest& saved) {
  if (saved.facts.machine != machine_identity(spec, virt_->connection()->version())) {
    return fail(ErrorKind::kUnsupported,
                kNotResumed,
                "the saved system ran in another machine: by another qemu, libvirt or processor");
  }
  if (spec.uefi) KILN_TRY(write_file_atomic(spec.uefi->variables, saved.variables));
  spec.incoming = true;
  spec_ = std::move(spec);
  KILN_TRY_ASSIGN(domain_, start_domain(*virt_, spec_));
  agent_ = std::make_unique<BootedAgent>(
      *domain_, spec_.console_log, PortUse::kAgentOnly, restart_step_);
  // Before the system goes on, or else its agent would find itself alone.
  KILN_TRY_ASSIGN(auto port, port_->connect());
  resumed_ = saved.facts.resumed + 1;
  agent_->resume(std::move(port), resumed_);
  return load_guest(*domain_, saved, context_.cancel);
}

Result<void> BootedMachine::save(GuestFacts facts,
                                 const std::filesystem::path& overlay,
                                 const std::filesystem::path& system) {
  facts.machine = machine_identity(spec_, virt_->connection()->version());
  facts.uefi = spec_.uefi.has_value();
  facts.resumed = resumed_;
  const auto layer = layers_++;
  return save_guest(*domain_,
                    facts,
                    spec_.uefi ? spec_.uefi->variables : std::filesystem::path(),
                    {overlay, layer_node(layer), layer_node(layer + 1)},
                    system,
                    context_.cancel);
}

Result<void> BootedMachine::connect(std::chrono::milliseconds limit, Error too_late) {
  KILN_TRY(agent_->connect(port_->socket(), limit, std::move(too_late), context_.cancel));
  if (options_.destinations.empty()) return {};
  return agent_->forward(options_.destinations, context_.cancel);
}

Result<void> BootedMachine::await_reset(int before,
                                        Clock::time_point deadline,
                                        std::string_view command) {
  while (domain_->restarts() == before) {
    constexpr std::chrono::milliseconds kLookEvery(100);
    if (Clock::now() >= deadline) return restart_timeout();
    KILN_TRY_ASSIGN(const bool ended, domain_->wait_for_end(kLookEvery, context_.cancel));
    if (!ended) continue;
    return fail(ErrorKind::kGuestFailed,
                "Sandbox:GuestEnded",
                "the image's system switched its machine off instead of restarting")
        .quoting(agent_->console_tail())
        .cure(fmt::format("find out why {} ends like this in the image", command));
  }
  return {};
}

Result<void> BootedMachine::await_end(Clock::time_point deadline, std::chrono::milliseconds limit) {
  KILN_TRY_ASSIGN(const bool ended, domain_->wait_for_end(until(deadline), context_.cancel));
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
  return {};
}

void BootedMachine::cut_power() {
  const auto cut = [this]() -> Result<void> {
    domain_->cut_power();
    return {};
  };
  // It cannot say any more that it is done.
  if (answers()) std::ignore = while_frozen(*agent_, cut, context_.cancel);
  agent_.reset();
  domain_.reset();
}

Result<void> BootedMachine::with_last_words(Result<void> waited) const {
  if (waited || !agent_ || !waited.error().quoted().empty()) return waited;
  const auto kind = waited.error().kind();
  if (kind != ErrorKind::kTimeout && kind != ErrorKind::kCancelled) return waited;
  return std::move(waited).error().quoting(agent_->console_tail());
}

}  // namespace kiln
