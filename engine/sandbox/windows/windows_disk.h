#pragma once

#include <memory>

#include "disk/inspect/image_session.h"
#include "disk/inspect/windows/windows_facts.h"
#include "engine/sandbox/sandbox.h"

namespace kiln {

/// A work disk with Windows at rest, in libguestfs's appliance; nothing of it is mounted.
struct WindowsDisk {
  std::unique_ptr<ImageSession> session;
  WindowsFacts facts;  ///< as it is now
};

/// @return `Windows:NotFound` where the disk holds none, and what inspect_windows refuses
Result<WindowsDisk> open_windows_disk(const WorkDisk& disk,
                                      const SandboxOptions& options,
                                      const SandboxContext& context);

/// Looks at the disk again.
Result<void> refresh(WindowsDisk& windows);

/// What starts the image: as asked, else what Windows has a loader for, UEFI first.
/// @return `Windows:NoUefi`, `Windows:NoBios` where it has none for what was asked
Result<Firmware> choose_windows_firmware(Firmware asked, const WindowsFacts& facts);

/// Readies the disk for a start: its agent with the service, and answers where Windows would ask a
/// person. Refuses what forbids that.
/// @return whether Windows sets itself up when it starts
Result<bool> prepare_windows(WindowsDisk& windows);

/// Takes out what prepare_windows has put there, and what a build that was cut short left.
Result<void> clean_windows(WindowsDisk& windows);

}  // namespace kiln
