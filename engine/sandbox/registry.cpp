#include "engine/sandbox/registry.h"

#include <array>

#include "engine/sandbox/appliance/appliance.h"

namespace kiln {

std::span<const SandboxBackend> sandbox_registry() {
  static constexpr std::array<SandboxBackend, 1> kBackends = {
      {{"appliance",
        "mounts the image in a libguestfs appliance; steps run chrooted in it (Linux images)",
        start_appliance}}};
  return kBackends;
}

}  // namespace kiln
