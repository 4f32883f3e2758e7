#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "disk/inspect/image_session.h"
#include "engine/core/cancel.h"
#include "engine/core/result.h"

namespace kiln {

struct GuestfsOptions {
  std::filesystem::path disk;  ///< a qcow2 file that may be thrown away, such as an overlay
  /// Likewise; they are /dev/sdb and so on.
  std::vector<std::filesystem::path> further_disks = {};
  bool emulate = true;  ///< TCG; else KVM
  unsigned memory_mib = 1024;
  unsigned vcpus = 1;
  bool network = false;
  std::filesystem::path console_log;  ///< what the appliance's kernel and daemon say
  std::filesystem::path temp_folder;  ///< for libguestfs's own scratch files
  std::optional<GuestPort> port;      ///< a second one, for the agent
  std::string_view agent;             ///< a static program, borrowed; for start_agent
  std::vector<AttachedDisc> discs;
};

/// A libguestfs appliance with one disk.
Result<std::unique_ptr<ImageSession>> launch_guestfs(const GuestfsOptions& options,
                                                     const CancelToken& cancel);

}  // namespace kiln
