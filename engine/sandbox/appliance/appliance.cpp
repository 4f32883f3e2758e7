#include "engine/sandbox/appliance/appliance.h"

#include <chrono>

#include "disk/inspect/image_session.h"
#include "engine/core/text.h"
#include "engine/sandbox/agent_port.h"
#include "engine/sandbox/appliance/mounted_image.h"
#include "engine/sandbox/frozen_disks.h"
#include "engine/sandbox/timed.h"

namespace kiln {
namespace {

using Clock = std::chrono::steady_clock;

/// libguestfs gives its user network 169.254.0.0/16, where slirp answers DNS at .2.3.
constexpr const char* kNameServer = "169.254.2.3";
/// The agent says hello within a second or two under emulation; a busy host needs more.
constexpr auto kHelloPatience = std::chrono::seconds(60);

Error nothing_to_restart() {
  return fail(ErrorKind::kUnsupported,
              "Sandbox:NothingToRestart",
              "the image is mounted, so there is no system that could be restarted")
      .cure("build with --mode boot");
}

class ApplianceSandbox : public Sandbox {
 public:
  ApplianceSandbox(PortFolder port, MountedImage image, const SandboxContext& context)
      : port_(std::move(port)),
        image_(std::move(image)),
        events_(context.events),
        cancel_(context.cancel) {}

  Result<void> start_agent(const SandboxOptions& options);

  [[nodiscard]] const GuestSystem& system() const override { return image_.system; }
  GuestAgent& agent() override {
    KILN_CHECK(agent_ != nullptr);
    return *agent_;
  }
  Result<SealedImage> seal() override;
  Result<void> restart(std::chrono::milliseconds /*limit*/) override {
    return nothing_to_restart();
  }
  Result<void> await_restart(std::chrono::milliseconds /*limit*/) override {
    return nothing_to_restart();
  }
  Result<void> rest() override { return {}; }
  Result<void> begin_layer(const WorkDisk& next, const std::filesystem::path& system) override;
  Result<void> halt() override {
    if (agent_) KILN_TRY(seal());
    return finish();
  }
  Result<void> finish() override { return image_.session->finish(); }

 private:
  Result<void> trim_all();

  PortFolder port_;  // first, because qemu listens in it until the session is gone
  MountedImage image_;
  EventSink& events_;
  CancelToken cancel_;
  std::unique_ptr<GuestAgent> agent_;
};

Result<void> ApplianceSandbox::start_agent(const SandboxOptions& options) {
  KILN_TRY_ASSIGN(auto socket, port_.connect());
  std::vector<std::string> arguments = {"--port",
                                        fmt::format("/dev/virtio-ports/{}", kAgentPortName),
                                        "--daemon",
                                        "--mount-mode",
                                        "--power-off-when-alone"};
  if (options.network) arguments.insert(arguments.end(), {"--network", kNameServer});
  KILN_TRY_WHILE(image_.session->start_agent(arguments), "starting the agent in the image");
  KILN_TRY_ASSIGN(agent_, connect_agent(std::move(socket), kHelloPatience, cancel_));
  // It came from a clock chip, in whole seconds; what is changed when is told by it.
  KILN_TRY(agent_->set_clock(std::chrono::system_clock::now(), cancel_));
  if (options.destinations.empty()) return {};
  return agent_->forward(options.destinations, cancel_);
}

/// Blocks that the image does not use are given back, so that they are neither converted nor
/// uploaded. What cannot trim (vfat in some kernels, old formats) is only larger.
Result<void> ApplianceSandbox::trim_all() {
  for (const auto& mount : image_.plan.mounts) {
    const auto trimmed = image_.session->trim(mount.mount_point);
    if (trimmed) continue;
    if (trimmed.error().kind() == ErrorKind::kCancelled) return trimmed.error();
    notice(events_,
           fmt::format("{} is not trimmed: {}", mount.mount_point, trimmed.error().summary()));
  }
  return {};
}

Result<void> ApplianceSandbox::begin_layer(const WorkDisk& next,
                                           const std::filesystem::path& /*system*/) {
  bool frozen = false;
  Result<void> begun;
  const auto begin = [&]() -> Result<void> {
    frozen = true;
    begun = image_.session->begin_layer(next.overlay());
    return {};
  };
  const auto thawed = while_frozen(agent(), begin, cancel_);
  if (frozen && !begun) return begun;
  if (thawed) return {};
  if (thawed.error().kind() == ErrorKind::kCancelled) return thawed.error();
  return fail(frozen ? ErrorKind::kGuestFailed : ErrorKind::kUnsupported,
              frozen ? kLayerNotWhole : "Sandbox:NoFreeze",
              "the file systems could not be frozen: {}",
              thawed.error().summary());
}

Result<SealedImage> ApplianceSandbox::seal() {
  const auto start = Clock::now();
  KILN_TRY(agent().quit(cancel_));
  agent_.reset();
  KILN_TRY(trim_all());
  KILN_TRY(image_.session->unmount_all());
  KILN_TRY_WHILE(mount_all(image_, true), "mounting the finished image read-only");
  tell_time(events_, TimedKind::kDisk, "image sealed", start);
  return SealedImage{&image_.session->files()};
}

}  // namespace

Result<std::unique_ptr<Sandbox>> start_appliance(const WorkDisk& disk,
                                                 const SandboxOptions& options,
                                                 const SandboxContext& context,
                                                 std::optional<EarlyAppliance> early) {
  KILN_TRY_ASSIGN(
      auto port,
      early ? Result<PortFolder>(std::move(early->port)) : PortFolder::create(context.work_folder));
  KILN_TRY_ASSIGN(auto image,
                  mount_image(disk,
                              options,
                              context,
                              GuestPort{port.socket(), kAgentPortName},
                              early ? &*early : nullptr));
  auto sandbox = std::make_unique<ApplianceSandbox>(std::move(port), std::move(image), context);
  const auto mounted = Clock::now();
  KILN_TRY(sandbox->start_agent(options));
  tell_time(context.events, TimedKind::kVm, "agent up", mounted);
  return std::unique_ptr<Sandbox>(std::move(sandbox));
}

Result<std::unique_ptr<Sandbox>> start_appliance(const WorkDisk& disk,
                                                 const SandboxOptions& options,
                                                 const SandboxContext& context) {
  return start_appliance(disk, options, context, std::nullopt);
}

}  // namespace kiln
