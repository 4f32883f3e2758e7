#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "engine/core/unique_fd.h"
#include "engine/sandbox/guest/domain_xml.h"
#include "engine/sandbox/guest/placement.h"
#include "engine/sandbox/guest/running_domain.h"

namespace kiln {

/// What must be known of a system to go on from where it was saved.
struct GuestFacts {
  std::string machine;  ///< what machine_identity gives
  GuestSystem system;
  Placement placement;
  bool uefi = false;
  std::uint32_t resumed = 0;  ///< how often a session of its agent was taken up again
};

/// A digest of all that a machine must have in common with the one whose memory it loads: its
/// devices, qemu, libvirt, and the processor where the guest sees the host's.
/// @param libvirt its version
std::string machine_identity(const DomainSpec& spec, unsigned long libvirt);

/// A running system as it was between two steps: memory and devices, and the firmware's variables.
/// The file, in that order:
///
///     one line of JSON          the facts, and `variables`, a size in bytes
///     the firmware's variables  of that size
///     the rest                  qemu's migration stream
///
/// It holds whatever the guest's memory held, so only its owner may read it.
struct SavedGuest {
  GuestFacts facts;
  std::string variables;  ///< empty with BIOS
  UniqueFd stream;        ///< the file, at the beginning of the stream
};

/// A layer that begins.
struct NextLayer {
  std::filesystem::path overlay;  ///< a qcow2 file over the machine's disk
  std::string below;              ///< the disk's topmost block node
  std::string node;               ///< what the new one is to be called
};

/// Stops the machine, has qemu write to the layer from then on, saves the machine into `file`, and
/// lets it go on. kLayerNotWhole where the layer has begun, and any other error where it has not.
/// @param variables the firmware's, where it has any
Result<void> save_guest(RunningDomain& domain,
                        const GuestFacts& facts,
                        const std::filesystem::path& variables,
                        const NextLayer& layer,
                        const std::filesystem::path& file,
                        const CancelToken& cancel);

Result<SavedGuest> open_saved_guest(const std::filesystem::path& file);

/// Has a machine that was started paused, and waits for it, be as the saved one was, and go on.
Result<void> load_guest(RunningDomain& domain, const SavedGuest& saved, const CancelToken& cancel);

}  // namespace kiln
