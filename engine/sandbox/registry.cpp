#include "engine/sandbox/registry.h"

#include <array>

#include "engine/sandbox/appliance/appliance.h"
#include "engine/sandbox/guest/guest.h"
#include "engine/sandbox/windows/windows_sandbox.h"

namespace kiln {

std::span<const SandboxBackend> sandbox_registry() {
  static constexpr std::array<SandboxBackend, 3> kBackends = {
      {{"appliance",
        "mounts the image in a virtual machine; steps run chrooted in it (Linux images)",
        start_appliance},
       {"guest",
        "boots the image's own system in a virtual machine; steps run in it (Linux images with "
        "systemd)",
        start_guest},
       {"windows",
        "boots the image's own system in a virtual machine; steps run in it (Windows images)",
        start_windows}}};
  return kBackends;
}

}  // namespace kiln
