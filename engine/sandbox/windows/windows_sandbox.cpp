#include "engine/sandbox/windows/windows_sandbox.h"

#include <thread>

#include "disk/inspect/windows/refuse_windows.h"
#include "disk/servicing/windows_residues.h"
#include "engine/core/text.h"
#include "engine/sandbox/guest/booted_machine.h"
#include "engine/sandbox/timed.h"
#include "engine/sandbox/windows/windows_disk.h"
#include "engine/sandbox/windows/windows_state.h"

namespace kiln {
namespace {

using Clock = BootedMachine::Clock;

/// Windows finishes updates while it shuts down.
constexpr auto kShutdownPatience = std::chrono::minutes(30);

class WindowsSandbox : public Sandbox {
 public:
  WindowsSandbox(WorkDisk disk, SandboxOptions options, SandboxContext context)
      : disk_(std::move(disk)),
        options_(options),
        context_(std::move(context)),
        machine_(options_, context_, "WindowsRestart") {}

  Result<void> start();

  [[nodiscard]] const GuestSystem& system() const override { return system_; }
  GuestAgent& agent() override { return machine_.agent(); }
  Result<void> restart(std::chrono::milliseconds limit) override;
  Result<void> await_restart(std::chrono::milliseconds limit) override;
  Result<void> withdraw() override;
  Result<void> rest() override;
  /// A disk of a running system is no place to start from: what runs in it is not on the disk.
  Result<void> begin_layer(const WorkDisk& /*next*/,
                           const std::filesystem::path& /*system*/) override {
    return fail(ErrorKind::kUnsupported,
                "Sandbox:SystemRuns",
                "the image's own system runs, and what runs is not on its disk");
  }
  Result<SealedImage> seal() override;
  Result<void> halt() override;
  Result<void> finish() override {
    KILN_CHECK(at_rest_.session != nullptr);
    return at_rest_.session->finish();
  }

 private:
  /// Puts the agent into the disk.
  Result<Firmware> prepare_disk();
  Result<void> boot(const DomainSpec& spec);
  /// Follows a Windows that sets itself up through its restarts.
  Result<void> await_setup(Clock::time_point deadline);
  Result<void> await_restart_by(Clock::time_point deadline, std::string_view command);
  Result<void> shut_down(std::chrono::milliseconds limit);
  /// Has the appliance take the disk of a machine that is off, and takes the agent out of it.
  Result<void> take_over();
  void trim();

  WorkDisk disk_;
  SandboxOptions options_;
  SandboxContext context_;
  GuestSystem system_;
  BootedMachine machine_;
  bool sets_itself_up_ = false;
  bool withdrawn_ = false;
  WindowsDisk at_rest_;  ///< without a session until then
};

Result<Firmware> WindowsSandbox::prepare_disk() {
  KILN_TRY_ASSIGN(auto windows, open_windows_disk(disk_, options_, context_));
  const auto& facts = windows.facts;
  system_ = {"windows",
             describe(facts),
             facts.device,
             "ntfs",
             {fmt::format("{} on C: (ntfs)", facts.device)}};
  KILN_TRY_ASSIGN(const auto firmware, choose_windows_firmware(options_.firmware, facts));
  KILN_TRY_ASSIGN(sets_itself_up_, prepare_windows(windows));
  if (!facts.pending_restart.empty()) {
    notice(context_.events,
           printable(fmt::format("Windows wants a restart, without which sysprep may refuse: {}",
                                 fmt::join(facts.pending_restart, ", "))));
  }
  if (disk_.unfilled_from()) {
    warning(context_.events,
            "the disk is larger now, but Windows does not use the rest: a PowerShell step with "
            "Resize-Partition gives it to C:");
    disk_.set_filled();
  }
  KILN_TRY(windows.session->finish());
  return firmware;
}

Result<void> WindowsSandbox::boot(const DomainSpec& spec) {
  const auto start = Clock::now();
  KILN_TRY(machine_.boot(spec, system_.pretty_name));
  if (sets_itself_up_) KILN_TRY(await_setup(start + options_.boot_time_limit));
  tell_time(context_.events,
            TimedKind::kVm,
            fmt::format("{} booted by {}", system_.pretty_name, spec.uefi ? "UEFI" : "BIOS"),
            start,
            spec.accelerator == Accelerator::kTcg ? " (emulated)" : "");
  return {};
}

Result<void> WindowsSandbox::await_setup(Clock::time_point deadline) {
  constexpr auto kLookEvery = std::chrono::seconds(5);
  for (;;) {
    const auto busy = windows_sets_itself_up(machine_.agent(), context_.cancel);
    if (busy && !*busy) return {};
    if (!busy && busy.error().code() != "Sandbox:GuestRestarted") return busy.error();
    if (Clock::now() >= deadline) {
      return fail(ErrorKind::kTimeout,
                  "Sandbox:SetupTimeout",
                  "Windows did not finish setting itself up within {}",
                  format_duration(options_.boot_time_limit))
          .cure("give it longer with --boot-timeout, or start from an image that is set up");
    }
    if (busy) {
      KILN_TRY(context_.cancel.check());
      std::this_thread::sleep_for(kLookEvery);
      continue;
    }
    notice(context_.events, "Windows sets itself up and restarts");
    machine_.agent().disconnect();
    KILN_TRY(machine_.connect(until(deadline), restart_timeout()));
  }
}

Result<void> WindowsSandbox::start() {
  KILN_TRY(check_windows_agent());
  if (!options_.destinations.empty()) {
    return fail(ErrorKind::kUnsupported,
                "Sandbox:NoDestinations",
                "the agent in Windows cannot open the way to named servers only")
        .cure("fetch the files on the host (scriptUri, File), or write --network alone");
  }
  KILN_TRY(machine_.prepare());
  KILN_TRY_ASSIGN(const auto firmware, prepare_disk());
  KILN_TRY_ASSIGN(auto spec, machine_.specify(disk_, firmware));
  spec.drivers = DeviceDrivers::kWindows;
  return machine_.with_last_words(boot(spec));
}

Result<void> WindowsSandbox::restart(std::chrono::milliseconds limit) {
  KILN_TRY(ask_windows_for_shutdown(agent(), WindowsShutdown::kRestart, limit, context_.cancel));
  return await_restart(limit);
}

Result<void> WindowsSandbox::await_restart(std::chrono::milliseconds limit) {
  const auto start = Clock::now();
  KILN_TRY_WHILE(machine_.with_last_words(await_restart_by(start + limit, "what restarts it")),
                 "restarting {}",
                 system_.pretty_name);
  tell_time(context_.events, TimedKind::kVm, "restarted", start);
  return {};
}

Result<void> WindowsSandbox::await_restart_by(Clock::time_point deadline,
                                              std::string_view command) {
  auto& agent = machine_.agent();
  const auto before = agent.restarts_seen();
  if (machine_.domain().restarts() == before && agent.connected()) {
    // It may be gone already; all that counts is that the machine restarts.
    const auto quit = agent.quit(context_.cancel);
    if (!quit && quit.error().kind() == ErrorKind::kCancelled) return quit.error();
  }
  agent.disconnect();
  KILN_TRY(machine_.await_reset(before, deadline, command));
  return machine_.connect(until(deadline), restart_timeout());
}

Result<void> WindowsSandbox::withdraw() {
  if (withdrawn_) return {};
  KILN_TRY(withdraw_windows_agent(agent(), context_.cancel));
  withdrawn_ = true;
  return {};
}

Result<void> WindowsSandbox::shut_down(std::chrono::milliseconds limit) {
  const auto start = Clock::now();
  if (!machine_.domain().ended()) {
    KILN_TRY(withdraw());
    auto asked =
        ask_windows_for_shutdown(agent(), WindowsShutdown::kPowerOff, limit, context_.cancel);
    if (asked) asked = machine_.agent().quit(context_.cancel);
    // `Sysprep.exe /shutdown` may be first.
    if (!asked && !machine_.domain().ended()) return asked;
    machine_.agent().disconnect();
  }
  KILN_TRY(machine_.await_end(start + limit, limit));
  tell_time(context_.events, TimedKind::kVm, "shut down", start);
  return {};
}

Result<void> WindowsSandbox::rest() {
  if (at_rest_.session) return {};
  KILN_TRY_WHILE(machine_.with_last_words(shut_down(kShutdownPatience)),
                 "shutting down {}",
                 system_.pretty_name);
  KILN_TRY(take_over());
  KILN_TRY_WHILE(remove_windows_scripts(*at_rest_.session, at_rest_.facts),
                 "removing the scripts of steps");
  trim();
  return {};
}

Result<void> WindowsSandbox::take_over() {
  KILN_TRY_ASSIGN(at_rest_, open_windows_disk(disk_, options_, context_));
  KILN_TRY_WHILE(clean_windows(at_rest_), "taking Kiln's agent out of the image");
  return {};
}

/// What cannot be trimmed is only larger.
void WindowsSandbox::trim() {
  auto& session = *at_rest_.session;
  auto trimmed = session.mount({at_rest_.facts.device, "/", "ntfs"}, false);
  if (trimmed) trimmed = session.trim("/");
  if (auto unmounted = session.unmount_all(); trimmed) trimmed = std::move(unmounted);
  if (!trimmed) notice(context_.events, "C: is not trimmed: " + trimmed.error().summary());
}

Result<SealedImage> WindowsSandbox::seal() {
  KILN_TRY(rest());
  const auto start = Clock::now();
  KILN_TRY(refresh(at_rest_));
  SealedImage sealed;
  KILN_TRY_ASSIGN(sealed.windows_residues,
                  find_windows_residues(*at_rest_.session, at_rest_.facts));
  tell_time(context_.events, TimedKind::kDisk, "image sealed", start);
  return sealed;
}

Result<void> WindowsSandbox::halt() {
  if (at_rest_.session) return finish();
  if (machine_.is_there() && (!machine_.answers() || !shut_down(options_.halt_time_limit))) {
    KILN_TRY(context_.cancel.check());
    warning(context_.events, "the image's system does not shut down, so its power is cut");
    machine_.cut_power();
  }
  KILN_TRY(take_over());
  return finish();
}

}  // namespace

Result<void> check_windows_agent() {
  if (!embedded_windows_agent().empty()) return {};
  return fail(ErrorKind::kUnsupported,
              "Sandbox:NoWindowsAgent",
              "this kiln was built without mingw-w64, so it has no agent for Windows")
      .cure(
          "install g++-mingw-w64-x86-64-posix and libz-mingw-w64-dev (fixtures/packages.sh "
          "windows), "
          "configure anew and build again");
}

Result<std::unique_ptr<Sandbox>> start_windows(const WorkDisk& disk,
                                               const SandboxOptions& options,
                                               const SandboxContext& context) {
  auto sandbox = std::make_unique<WindowsSandbox>(disk, options, context);
  KILN_TRY(sandbox->start());
  return std::unique_ptr<Sandbox>(std::move(sandbox));
}

}  // namespace kiln
