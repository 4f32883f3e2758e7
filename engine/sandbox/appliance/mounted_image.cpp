#include "engine/sandbox/appliance/mounted_image.h"

#include <functional>

#include "disk/grow/fill_disk.h"
#include "disk/inspect/root_candidates.h"
#include "disk/inspect/windows/refuse_windows.h"
#include "engine/core/text.h"
#include "engine/sandbox/timed.h"

namespace kiln {
namespace {

using Clock = std::chrono::steady_clock;
using StartSession = std::function<Result<std::unique_ptr<ImageSession>>()>;

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

Result<std::unique_ptr<ImageSession>> timed(const ApplianceLaunch& launch,
                                            const char* name,
                                            const StartSession& start) {
  const auto begin = Clock::now();
  KILN_TRY_ASSIGN(auto session, start());
  tell_time(launch.context.events,
            TimedKind::kVm,
            fmt::format("{} launched", name),
            begin,
            launch.emulate() ? " (emulated)" : "");
  return session;
}

Result<std::unique_ptr<ImageSession>> start_libguestfs(const ApplianceLaunch& launch,
                                                       const WorkDisk& disk) {
  return timed(
      launch, "libguestfs appliance", [&] { return launch_libguestfs(launch, disk.overlay()); });
}

Result<MountedImage> mount_in(std::unique_ptr<ImageSession> session,
                              const ApplianceLaunch& launch,
                              const WorkDisk& disk) {
  MountedImage image;
  image.session = std::move(session);
  KILN_TRY_WHILE(
      find_and_mount(image, disk, launch.context.events), "mounting {}", disk.overlay().string());
  return image;
}

Result<MountedImage> mount_in_micro(const ApplianceLaunch& launch,
                                    const WorkDisk& disk,
                                    EarlyAppliance* early) {
  if (disk.unfilled_from()) {
    return fail(ErrorKind::kUnsupported,
                "Micro:Grow",
                "the disk is larger than its base, and the micro-appliance cannot grow what is on "
                "it")
        .cure("build with --sandbox auto, which lets libguestfs do it");
  }
  KILN_TRY_ASSIGN(auto session,
                  timed(launch,
                        early == nullptr ? "micro-appliance" : "early micro-appliance",
                        [&] { return launch_micro(launch, disk.overlay(), early); }));
  return mount_in(std::move(session), launch, disk);
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
  KILN_TRY_ASSIGN(const auto launch, prepare_launch(options, context, std::nullopt));
  return start_libguestfs(launch, disk);
}

Result<MountedImage> mount_image(const WorkDisk& disk,
                                 const SandboxOptions& options,
                                 const SandboxContext& context,
                                 const std::optional<GuestPort>& port,
                                 EarlyAppliance* early) {
  KILN_TRY_ASSIGN(const auto launch, prepare_launch(options, context, port));
  if (options.appliance != ApplianceChoice::kLibguestfs) {
    auto image = mount_in_micro(launch, disk, early);
    if (image || options.appliance == ApplianceChoice::kMicro ||
        !worth_another_way(image.error())) {
      return image;
    }
    notice(context.events, fmt::format("{}; libguestfs takes over", image.error().summary()));
  }
  KILN_TRY_ASSIGN(auto session, start_libguestfs(launch, disk));
  return mount_in(std::move(session), launch, disk);
}

}  // namespace kiln
