#include "engine/sandbox/appliance/mounted_image.h"

#include "disk/grow/fill_disk.h"
#include "engine/core/text.h"
#include "engine/sandbox/acceleration.h"

namespace kiln {
namespace {

using Clock = std::chrono::steady_clock;

std::string elapsed_since(Clock::time_point start) {
  return format_duration(
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start));
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

/// Once in the life of a disk that was made larger than its base.
Result<void> fill(const MountedImage& image, const WorkDisk& disk, EventSink& events) {
  const auto& before = disk.unfilled_from();
  if (!before) return {};
  const auto start = Clock::now();
  KILN_TRY_ASSIGN(const auto filled,
                  fill_disk(image.session->volumes(),
                            image.file_systems,
                            image.plan.mounts.front().device,
                            disk.virtual_size()));
  notice(events,
         fmt::format("disk grown from {} to {}{} in {}",
                     format_bytes(*before),
                     format_bytes(disk.virtual_size()),
                     filled.grown.empty() ? "" : ", with " + filled.grown,
                     elapsed_since(start)));
  if (!filled.warning.empty()) {
    warning(events, "the disk is larger now, but " + filled.warning);
  }
  return {};
}

Result<void> find_and_mount(MountedImage& image, const WorkDisk& disk, EventSink& events) {
  KILN_TRY_ASSIGN(image.file_systems, image.session->file_systems());
  KILN_TRY_ASSIGN(const auto candidates, image.session->root_candidates(image.file_systems));
  KILN_TRY_ASSIGN(image.plan, plan_mounts(image.file_systems, candidates));
  for (const auto& text : image.plan.warnings) warning(events, text);
  KILN_TRY_WHILE(fill(image, disk, events), "growing what is on the disk");
  KILN_TRY(mount_all(image, false));
  image.system = describe(image.plan);
  return {};
}

}  // namespace

Result<void> mount_all(MountedImage& image, bool read_only) {
  for (const auto& mount : image.plan.mounts) KILN_TRY(image.session->mount(mount, read_only));
  return {};
}

Result<MountedImage> mount_image(const WorkDisk& disk,
                                 const SandboxOptions& options,
                                 const SandboxContext& context,
                                 std::optional<GuestfsPort> port) {
  KILN_TRY_ASSIGN(const auto acceleration,
                  choose_accelerator(options.accelerator,
                                     context.runner,
                                     context.cache_folder,
                                     context.events,
                                     context.cancel));
  const auto start = Clock::now();
  GuestfsOptions appliance;
  appliance.disk = disk.overlay();
  appliance.emulate = acceleration.accelerator == Accelerator::kTcg;
  appliance.memory_mib = options.memory_mib;
  appliance.vcpus = options.vcpus;
  appliance.network = options.network;
  appliance.console_log = context.work_folder / kConsoleLog;
  appliance.temp_folder = context.work_folder;
  appliance.port = std::move(port);
  MountedImage image;
  KILN_TRY_ASSIGN(image.session, launch_guestfs(appliance, context.cancel));
  notice(context.events,
         fmt::format("appliance launched in {}{}",
                     elapsed_since(start),
                     appliance.emulate ? " (emulated)" : ""));
  const auto launched = Clock::now();
  KILN_TRY_WHILE(
      find_and_mount(image, disk, context.events), "mounting {}", disk.overlay().string());
  notice(context.events,
         fmt::format("{} mounted in {}", image.system.pretty_name, elapsed_since(launched)));
  return image;
}

}  // namespace kiln
