#include "engine/sandbox/appliance/mounted_image.h"

#include "disk/grow/fill_disk.h"
#include "disk/guestfs/guestfs_session.h"
#include "disk/inspect/root_candidates.h"
#include "disk/inspect/windows/refuse_windows.h"
#include "engine/agent/guest_agent.h"
#include "engine/core/text.h"
#include "engine/sandbox/acceleration.h"
#include "engine/sandbox/micro/micro_session.h"
#include "engine/sandbox/timed.h"

namespace kiln {
namespace {

using Clock = std::chrono::steady_clock;

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

/// Once in the life of a disk that was made larger than its base.
Result<void> fill(const MountedImage& image, const WorkDisk& disk, EventSink& events) {
  const auto& before = disk.unfilled_from();
  if (!before) return {};
  const auto start = Clock::now();
  KILN_TRY_ASSIGN(const auto filled,
                  fill_disk(*image.session->volumes(),
                            image.file_systems,
                            image.plan.mounts.front().device,
                            disk.virtual_size()));
  tell_time(events,
            TimedKind::kDisk,
            fmt::format("disk grown from {} to {}{}",
                        format_bytes(*before),
                        format_bytes(disk.virtual_size()),
                        filled.grown.empty() ? "" : ", with " + filled.grown),
            start);
  if (!filled.warning.empty()) {
    warning(events, "the disk is larger now, but " + filled.warning);
  }
  return {};
}

Result<void> find_and_mount(MountedImage& image, const WorkDisk& disk, EventSink& events) {
  const auto start = Clock::now();
  KILN_TRY_ASSIGN(image.file_systems, image.session->file_systems());
  KILN_TRY_ASSIGN(const auto candidates, find_root_candidates(*image.session, image.file_systems));
  auto plan = plan_mounts(image.file_systems, candidates);
  if (!plan) {
    return refuse_windows(*image.session, image.file_systems, std::move(plan).error());
  }
  image.plan = *std::move(plan);
  for (const auto& text : image.plan.warnings) warning(events, text);
  KILN_TRY_WHILE(fill(image, disk, events), "growing what is on the disk");
  KILN_TRY(mount_all(image, false));
  image.system = describe(image.plan);
  tell_time(events, TimedKind::kDisk, image.system.pretty_name + " mounted", start);
  return {};
}

std::vector<AttachedDisc> discs_of(const SandboxOptions& options) {
  std::vector<AttachedDisc> discs;
  for (const auto& medium : options.media) {
    discs.push_back({medium.iso, drive_of_medium(discs.size() + 1)});
  }
  return discs;
}

/// What every launch is told.
struct Launch {
  const WorkDisk& disk;
  const SandboxOptions& options;
  const SandboxContext& context;
  const std::optional<GuestPort>& port;
  AccelerationReport acceleration;

  [[nodiscard]] bool emulate() const { return acceleration.accelerator == Accelerator::kTcg; }
};

Result<std::unique_ptr<ImageSession>> launch_libguestfs(const Launch& launch) {
  GuestfsOptions appliance;
  appliance.disk = launch.disk.overlay();
  appliance.emulate = launch.emulate();
  appliance.memory_mib = launch.options.memory_mib;
  appliance.vcpus = vcpus_to_mount(launch.options);
  appliance.network = launch.options.network;
  appliance.console_log = launch.context.work_folder / kConsoleLog;
  appliance.temp_folder = launch.context.work_folder;
  appliance.port = launch.port;
  appliance.agent = embedded_linux_agent();
  appliance.discs = discs_of(launch.options);
  return launch_guestfs(appliance, launch.context.cancel);
}

/// Goes on from a machine that has started before; nothing where that cannot be.
Result<std::unique_ptr<ImageSession>> resume_micro(const MicroOptions& appliance,
                                                   const MicroFiles& files,
                                                   const SandboxContext& context) {
  const auto& cache = context.cache_folder;
  const auto saved = prepare_saved_machine(context.runner, appliance, files, cache, context.cancel);
  if (saved && !*saved) return std::unique_ptr<ImageSession>();
  auto session = saved ? launch_micro(context.runner, appliance, files, *saved, context.cancel)
                       : Result<std::unique_ptr<ImageSession>>(saved.error());
  if (session || session.error().kind() == ErrorKind::kCancelled) return session;
  if (saved) give_up_saved_machine(appliance, files, cache);
  notice(context.events, session.error().summary() + "; it is started from the beginning");
  return std::unique_ptr<ImageSession>();
}

Result<std::unique_ptr<ImageSession>> launch_micro_appliance(const Launch& launch) {
  const auto& context = launch.context;
  KILN_TRY_ASSIGN(
      const auto files,
      prepare_micro_files(
          context.runner, launch.acceleration.kernel, context.cache_folder, context.cancel));
  MicroOptions appliance;
  appliance.disk = launch.disk.overlay();
  appliance.emulate = launch.emulate();
  appliance.memory_mib = launch.options.memory_mib;
  appliance.vcpus = vcpus_to_mount(launch.options);
  appliance.network = launch.options.network;
  appliance.console_log = context.work_folder / kConsoleLog;
  appliance.work_folder = context.work_folder;
  appliance.port = launch.port;
  appliance.discs = discs_of(launch.options);
  // Under KVM a kernel starts in less time than this would save.
  if (launch.emulate()) {
    KILN_TRY_ASSIGN(auto resumed, resume_micro(appliance, files, context));
    if (resumed) return resumed;
  }
  return launch_micro(context.runner, appliance, files, {}, context.cancel);
}

using StartSession = Result<std::unique_ptr<ImageSession>> (*)(const Launch& launch);

Result<std::unique_ptr<ImageSession>> start_session(const char* name,
                                                    StartSession start,
                                                    const Launch& launch) {
  const auto begin = Clock::now();
  KILN_TRY_ASSIGN(auto session, start(launch));
  tell_time(launch.context.events,
            TimedKind::kVm,
            fmt::format("{} launched", name),
            begin,
            launch.emulate() ? " (emulated)" : "");
  return session;
}

Result<MountedImage> mount_in(const char* name, StartSession start, const Launch& launch) {
  MountedImage image;
  KILN_TRY_ASSIGN(image.session, start_session(name, start, launch));
  KILN_TRY_WHILE(find_and_mount(image, launch.disk, launch.context.events),
                 "mounting {}",
                 launch.disk.overlay().string());
  return image;
}

constexpr const char* kLibguestfs = "libguestfs appliance";

Result<MountedImage> mount_in_micro(const Launch& launch) {
  if (launch.disk.unfilled_from()) {
    return fail(ErrorKind::kUnsupported,
                "Micro:Grow",
                "the disk is larger than its base, and the micro-appliance cannot grow what is on "
                "it")
        .cure("build with --sandbox auto, which lets libguestfs do it");
  }
  return mount_in("micro-appliance", launch_micro_appliance, launch);
}

/// What libguestfs may do better; a cancelled build or a broken image it cannot.
bool worth_another_way(const Error& error) {
  return error.kind() == ErrorKind::kUnsupported || error.kind() == ErrorKind::kHostNotReady;
}

}  // namespace

Result<void> mount_all(MountedImage& image, bool read_only) {
  for (const auto& mount : image.plan.mounts) KILN_TRY(image.session->mount(mount, read_only));
  return {};
}

Result<std::unique_ptr<ImageSession>> launch_unmounted(const WorkDisk& disk,
                                                       const SandboxOptions& options,
                                                       const SandboxContext& context) {
  KILN_TRY_ASSIGN(auto acceleration,
                  choose_accelerator(options.accelerator,
                                     context.runner,
                                     context.cache_folder,
                                     context.events,
                                     context.cancel));
  const std::optional<GuestPort> no_port;
  const Launch launch{disk, options, context, no_port, std::move(acceleration)};
  return start_session(kLibguestfs, launch_libguestfs, launch);
}

Result<MountedImage> mount_image(const WorkDisk& disk,
                                 const SandboxOptions& options,
                                 const SandboxContext& context,
                                 const std::optional<GuestPort>& port) {
  KILN_TRY_ASSIGN(auto acceleration,
                  choose_accelerator(options.accelerator,
                                     context.runner,
                                     context.cache_folder,
                                     context.events,
                                     context.cancel));
  const Launch launch{disk, options, context, port, std::move(acceleration)};
  if (options.appliance != ApplianceChoice::kLibguestfs) {
    auto image = mount_in_micro(launch);
    if (image || options.appliance == ApplianceChoice::kMicro ||
        !worth_another_way(image.error())) {
      return image;
    }
    notice(context.events, fmt::format("{}; libguestfs takes over", image.error().summary()));
  }
  return mount_in(kLibguestfs, launch_libguestfs, launch);
}

}  // namespace kiln
