#include "engine/sandbox/appliance/appliance.h"

#include <chrono>
#include <random>

#include "disk/guestfs/guestfs_session.h"
#include "engine/core/text.h"
#include "engine/sandbox/acceleration.h"
#include "engine/sandbox/appliance/port_folder.h"

namespace kiln {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kPortName = "org.kiln.0";
constexpr const char* kConsoleLog = "console.log";
/// libguestfs gives its user network 169.254.0.0/16, where slirp answers DNS at .2.3.
constexpr const char* kNameServer = "169.254.2.3";
/// The agent says hello within a second or two under emulation; a busy host needs more.
constexpr auto kHelloPatience = std::chrono::seconds(60);

std::string elapsed_since(Clock::time_point start) {
  return format_duration(
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start));
}

/// A name that no image has, and that cannot be guessed by what runs in it.
std::string private_folder_name() {
  std::random_device random;
  return fmt::format("/.kiln-agent-{:08x}{:08x}", random(), random());
}

GuestSystem describe(const MountPlan& plan) {
  GuestSystem system;
  system.os_id = plan.os_id;
  system.pretty_name = plan.pretty_name;
  system.root_device = plan.mounts.front().device;
  system.root_filesystem = plan.mounts.front().type;
  for (const auto& mount : plan.mounts) {
    system.mounts.push_back(
        fmt::format("{} on {} ({})", mount.device, mount.mount_point, mount.type));
  }
  return system;
}

class ApplianceSandbox : public Sandbox {
 public:
  ApplianceSandbox(PortFolder port,
                   std::unique_ptr<GuestfsSession> session,
                   const SandboxContext& context)
      : port_(std::move(port)),
        session_(std::move(session)),
        events_(context.events),
        cancel_(context.cancel) {}

  Result<void> mount_image();
  Result<void> start_agent(bool network);

  [[nodiscard]] const GuestSystem& system() const override { return system_; }
  GuestAgent& agent() override {
    KILN_CHECK(agent_ != nullptr);
    return *agent_;
  }
  Result<FileTree*> seal() override;
  Result<void> finish() override { return session_->finish(); }

 private:
  Result<void> install_agent(const std::string& folder);
  Result<void> mount_all(bool read_only);
  Result<void> trim_all();

  PortFolder port_;  // first, because qemu listens in it until the session is gone
  std::unique_ptr<GuestfsSession> session_;
  EventSink& events_;
  CancelToken cancel_;
  MountPlan plan_;
  GuestSystem system_;
  std::unique_ptr<GuestAgent> agent_;
};

Result<void> ApplianceSandbox::mount_all(bool read_only) {
  for (const auto& mount : plan_.mounts) KILN_TRY(session_->mount(mount, read_only));
  return {};
}

Result<void> ApplianceSandbox::mount_image() {
  KILN_TRY_ASSIGN(const auto file_systems, session_->file_systems());
  KILN_TRY_ASSIGN(const auto candidates, session_->root_candidates(file_systems));
  KILN_TRY_ASSIGN(plan_, plan_mounts(file_systems, candidates));
  for (const auto& text : plan_.warnings) warning(events_, text);
  KILN_TRY(mount_all(false));
  system_ = describe(plan_);
  return {};
}

Result<void> ApplianceSandbox::install_agent(const std::string& folder) {
  KILN_TRY(session_->make_folder(folder, 0700));
  return session_->write(embedded_linux_agent(), folder + "/kiln-agent", 0755);
}

Result<void> ApplianceSandbox::start_agent(bool network) {
  KILN_TRY_ASSIGN(auto socket, port_.connect());
  const auto folder = private_folder_name();
  std::vector<std::string> argv = {folder + "/kiln-agent",
                                   "--port",
                                   fmt::format("/dev/virtio-ports/{}", kPortName),
                                   "--daemon",
                                   "--mount-mode",
                                   "--power-off-when-alone"};
  if (network) argv.insert(argv.end(), {"--network", kNameServer});
  KILN_TRY_WHILE(install_agent(folder), "placing the agent in the image");
  KILN_TRY_WHILE(session_->run(argv), "starting the agent in the image");
  KILN_TRY_ASSIGN(agent_, connect_agent(std::move(socket), kHelloPatience, cancel_));
  // It runs from memory by now, so the image need not carry it any longer.
  return session_->remove_all(folder);
}

/// Blocks that the image does not use are given back, so that they are neither converted nor
/// uploaded. What cannot trim (vfat in some kernels, old formats) is only larger.
Result<void> ApplianceSandbox::trim_all() {
  for (const auto& mount : plan_.mounts) {
    const auto trimmed = session_->trim(mount.mount_point);
    if (trimmed) continue;
    if (trimmed.error().kind() == ErrorKind::kCancelled) return trimmed.error();
    notice(events_,
           fmt::format("{} is not trimmed: {}", mount.mount_point, trimmed.error().summary()));
  }
  return {};
}

Result<FileTree*> ApplianceSandbox::seal() {
  const auto start = Clock::now();
  KILN_TRY(agent().quit(cancel_));
  agent_.reset();
  KILN_TRY(trim_all());
  KILN_TRY(session_->unmount_all());
  KILN_TRY_WHILE(mount_all(true), "mounting the finished image read-only");
  notice(events_, fmt::format("image sealed in {}", elapsed_since(start)));
  return &session_->files();
}

}  // namespace

Result<std::unique_ptr<Sandbox>> start_appliance(const WorkDisk& disk,
                                                 const SandboxOptions& options,
                                                 const SandboxContext& context) {
  KILN_TRY_ASSIGN(const auto acceleration,
                  choose_accelerator(options.accelerator,
                                     context.runner,
                                     context.cache_folder,
                                     context.events,
                                     context.cancel));
  const auto start = Clock::now();
  KILN_TRY_ASSIGN(auto port, PortFolder::create(context.work_folder));
  GuestfsOptions appliance;
  appliance.disk = disk.overlay();
  appliance.emulate = acceleration.accelerator == Accelerator::kTcg;
  appliance.memory_mib = options.memory_mib;
  appliance.vcpus = options.vcpus;
  appliance.network = options.network;
  appliance.console_log = context.work_folder / kConsoleLog;
  appliance.temp_folder = context.work_folder;
  appliance.port = GuestfsPort{port.socket(), kPortName};
  KILN_TRY_ASSIGN(auto session, launch_guestfs(appliance, context.cancel));
  notice(context.events,
         fmt::format("appliance launched in {}{}",
                     elapsed_since(start),
                     appliance.emulate ? " (emulated)" : ""));

  auto sandbox = std::make_unique<ApplianceSandbox>(std::move(port), std::move(session), context);
  const auto launched = Clock::now();
  KILN_TRY_WHILE(sandbox->mount_image(), "mounting {}", disk.overlay().string());
  notice(context.events,
         fmt::format("{} mounted in {}", sandbox->system().pretty_name, elapsed_since(launched)));
  const auto mounted = Clock::now();
  KILN_TRY(sandbox->start_agent(options.network));
  notice(context.events, fmt::format("agent up in {}", elapsed_since(mounted)));
  return std::unique_ptr<Sandbox>(std::move(sandbox));
}

}  // namespace kiln
