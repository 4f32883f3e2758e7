#pragma once

#include <memory>
#include <optional>

#include "disk/inspect/image_session.h"
#include "disk/inspect/mount_plan.h"
#include "engine/sandbox/appliance/launch.h"

namespace kiln {

/// A work disk in a virtual machine that services it, mounted as its own fstab says.
struct MountedImage {
  std::unique_ptr<ImageSession> session;
  std::vector<FileSystem> file_systems;
  MountPlan plan;
  GuestSystem system;
};

/// Grows what is on the disk first, where that is unfilled.
/// @param port for an agent of the steps
/// @param early is used up; begun with the same options and port
Result<MountedImage> mount_image(const WorkDisk& disk,
                                 const SandboxOptions& options,
                                 const SandboxContext& context,
                                 const std::optional<GuestPort>& port,
                                 EarlyAppliance* early = nullptr);

/// libguestfs's appliance with nothing mounted, for systems that are not mounted by an fstab.
Result<std::unique_ptr<ImageSession>> launch_unmounted(const WorkDisk& disk,
                                                       const SandboxOptions& options,
                                                       const SandboxContext& context);

/// Mounts the planned file systems; none may be mounted.
Result<void> mount_all(MountedImage& image, bool read_only);

}  // namespace kiln
