#include "engine/sandbox/guest/guest.h"

#include "disk/inspect/private_folder.h"
#include "engine/core/text.h"
#include "engine/sandbox/appliance/appliance.h"
#include "engine/sandbox/appliance/mounted_image.h"
#include "engine/sandbox/guest/booted_machine.h"
#include "engine/sandbox/guest/firmware.h"
#include "engine/sandbox/guest/placement.h"
#include "engine/sandbox/guest/system_state.h"
#include "engine/sandbox/make_distinct.h"
#include "engine/sandbox/timed.h"

namespace kiln {
namespace {

using Clock = BootedMachine::Clock;

constexpr auto kShutdownPatience = std::chrono::minutes(5);
/// What saving a system and going on from it take.
constexpr auto kSavingTime = std::chrono::seconds(1);
/// From the agent's first word until the system is up.
constexpr auto kSystemPatience = std::chrono::minutes(5);

/// What of a machine is not in qemu's hands, or is other people's; empty where it all is ours.
std::string_view unsavable(const SandboxOptions& options) {
  if (options.network || !options.destinations.empty()) return "connections to the network";
  if (options.trusted_launch) return "a TPM";
  if (!options.media.empty()) return "offline media";
  return options.connect.empty() ? "" : "another libvirt (--connect)";
}

class GuestSandbox : public Sandbox {
 public:
  GuestSandbox(WorkDisk disk, SandboxOptions options, SandboxContext context)
      : disk_(std::move(disk)),
        options_(options),
        context_(std::move(context)),
        machine_(options_, context_, "KilnRestart") {}

  Result<void> start();

  [[nodiscard]] const GuestSystem& system() const override { return system_; }
  GuestAgent& agent() override { return appliance_ ? appliance_->agent() : machine_.agent(); }
  Result<void> restart(std::chrono::milliseconds limit) override;
  /// KilnRestart has the sandbox restart a Linux system; no step of Linux does so itself.
  Result<void> await_restart(std::chrono::milliseconds /*limit*/) override {
    return fail(ErrorKind::kUnsupported,
                "Sandbox:NotOurRestart",
                "only steps of Windows restart the image's system themselves")
        .cure("put a KilnRestart step in its place");
  }
  Result<void> rest() override;
  Result<void> begin_layer(const WorkDisk& next, const std::filesystem::path& system) override;
  [[nodiscard]] std::chrono::milliseconds layer_cost() const override {
    return appliance_ ? appliance_->layer_cost() : kSavingTime;
  }
  Result<SealedImage> seal() override {
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
  Result<void> boot(const DomainSpec& spec);
  /// Instead of booting.
  Result<void> go_on();
  /// Asks the system for it and lets the agent go.
  Result<void> send_off(Shutdown what, Clock::time_point deadline);
  Result<void> restart_by(Clock::time_point deadline);
  Result<void> shut_down(std::chrono::milliseconds limit);
  /// Has the appliance take the disk of a machine that is off, and takes the agent out of it.
  Result<void> take_over();

  WorkDisk disk_;
  SandboxOptions options_;
  SandboxContext context_;
  GuestSystem system_;
  Placement placement_;
  BootedMachine machine_;
  std::optional<EarlyAppliance> early_;  ///< while the system shuts down
  std::unique_ptr<Sandbox> appliance_;   ///< once the guest is at rest
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

Result<void> GuestSandbox::boot(const DomainSpec& spec) {
  const auto start = Clock::now();
  KILN_TRY(machine_.boot(spec, system_.pretty_name));
  KILN_TRY(await_system(
      machine_.agent(), placement_.init, context_.events, kSystemPatience, context_.cancel));
  tell_time(context_.events,
            TimedKind::kVm,
            fmt::format("{} booted by {}", system_.pretty_name, spec.uefi ? "UEFI" : "BIOS"),
            start,
            spec.accelerator == Accelerator::kTcg ? " (emulated)" : "");
  return {};
}

Result<void> GuestSandbox::go_on() {
  const auto start = Clock::now();
  KILN_TRY_ASSIGN(const auto saved, open_saved_guest(context_.saved_system));
  system_ = saved.facts.system;
  placement_ = saved.facts.placement;
  disk_.set_filled();
  KILN_TRY_ASSIGN(auto spec,
                  machine_.specify(disk_, saved.facts.uefi ? Firmware::kUefi : Firmware::kBios));
  spec.without_cx16 = runs_without_cx16(system_.os_id);
  KILN_TRY(machine_.resume(std::move(spec), saved));
  KILN_TRY(make_distinct(machine_.agent(), agent_program(placement_), context_.cancel));
  tell_time(context_.events,
            TimedKind::kVm,
            fmt::format("{} goes on from where it was saved", system_.pretty_name),
            start);
  return {};
}

Result<void> GuestSandbox::start() {
  KILN_TRY(machine_.prepare());
  if (!context_.saved_system.empty()) {
    auto gone_on = go_on();
    const bool told = !gone_on && (gone_on.error().kind() == ErrorKind::kCancelled ||
                                   gone_on.error().code() == kNotResumed);
    if (gone_on || told) return gone_on;
    return fail(ErrorKind::kUnsupported,
                kNotResumed,
                "the saved system does not go on: {}",
                gone_on.error().summary());
  }
  KILN_TRY_ASSIGN(const auto firmware, prepare_disk());
  KILN_TRY_ASSIGN(auto spec, machine_.specify(disk_, firmware));
  spec.without_cx16 = runs_without_cx16(system_.os_id);
  return machine_.with_last_words(boot(spec));
}

Result<void> GuestSandbox::send_off(Shutdown what, Clock::time_point deadline) {
  auto& agent = machine_.agent();
  const auto* command = shutdown_command(placement_.init, what);
  KILN_TRY(ask_for_shutdown(agent, command, until(deadline), context_.cancel));
  // Or else it would cut the power when it finds itself alone.
  KILN_TRY(agent.quit(context_.cancel));
  agent.disconnect();
  return {};
}

Result<void> GuestSandbox::restart(std::chrono::milliseconds limit) {
  const auto start = Clock::now();
  KILN_TRY_WHILE(
      machine_.with_last_words(restart_by(start + limit)), "restarting {}", system_.pretty_name);
  tell_time(context_.events, TimedKind::kVm, "restarted", start);
  return {};
}

Result<void> GuestSandbox::restart_by(Clock::time_point deadline) {
  auto& agent = machine_.agent();
  KILN_TRY_ASSIGN(const auto before, boot_id(agent, context_.cancel));
  const auto restarts = machine_.domain().restarts();
  KILN_TRY(send_off(Shutdown::kReboot, deadline));
  KILN_TRY(machine_.await_reset(
      restarts,
      deadline,
      fmt::format("`{}`", shutdown_command(placement_.init, Shutdown::kReboot))));
  KILN_TRY(machine_.connect(until(deadline), restart_timeout()));
  KILN_TRY_ASSIGN(const auto after, boot_id(agent, context_.cancel));
  if (after == before) {
    return fail(ErrorKind::kGuestFailed,
                "Sandbox:NotRestarted",
                "the machine was reset, and yet the system is the same as before");
  }
  return await_system(agent,
                      placement_.init,
                      context_.events,
                      std::min<std::chrono::milliseconds>(until(deadline), kSystemPatience),
                      context_.cancel);
}

Result<void> GuestSandbox::shut_down(std::chrono::milliseconds limit) {
  const auto start = Clock::now();
  KILN_TRY(send_off(Shutdown::kPowerOff, start + limit));
  early_ = begin_early(options_, context_);
  KILN_TRY(machine_.await_end(start + limit, limit));
  tell_time(context_.events, TimedKind::kVm, "shut down", start);
  return {};
}

Result<void> GuestSandbox::rest() {
  if (appliance_) return {};
  KILN_TRY_WHILE(machine_.with_last_words(shut_down(kShutdownPatience)),
                 "shutting down {}",
                 system_.pretty_name);
  return take_over();
}

/// The disk of a running system is no place to start from without what runs: that is not on it.
Result<void> GuestSandbox::begin_layer(const WorkDisk& next, const std::filesystem::path& system) {
  if (appliance_) return appliance_->begin_layer(next, system);
  if (const auto why = unsavable(options_); !why.empty()) {
    return fail(ErrorKind::kUnsupported,
                "Sandbox:SystemRuns",
                "the image's own system runs, and cannot be saved with {}",
                why);
  }
  const auto start = Clock::now();
  auto saved = machine_.save({{}, system_, placement_}, next.overlay(), system);
  const bool begun = saved || saved.error().code() == kLayerNotWhole ||
                     saved.error().kind() == ErrorKind::kCancelled;  // only saving can be
  if (begun) disk_ = next;
  KILN_TRY_WHILE(std::move(saved), "saving {} as it runs", system_.pretty_name);
  tell_time(context_.events, TimedKind::kVm, "system saved", start);
  return {};
}

Result<void> GuestSandbox::halt() {
  if (machine_.is_there() && (!machine_.answers() || !shut_down(options_.halt_time_limit))) {
    KILN_TRY(context_.cancel.check());
    warning(context_.events, "the image's system does not shut down, so its power is cut");
    machine_.cut_power();
  }
  if (!appliance_) KILN_TRY(take_over());
  return appliance_->halt();
}

Result<void> GuestSandbox::take_over() {
  KILN_TRY_ASSIGN(appliance_,
                  start_appliance(disk_, options_, context_, std::exchange(early_, std::nullopt)));
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
