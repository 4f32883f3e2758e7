#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "disk/inspect/image_session.h"
#include "engine/sandbox/acceleration.h"
#include "engine/sandbox/agent_port.h"
#include "engine/sandbox/micro/micro_vm.h"
#include "engine/sandbox/sandbox.h"

namespace kiln {

/// What a virtual machine that services a disk is launched with, the disk apart.
struct ApplianceLaunch {
  const SandboxOptions& options;
  const SandboxContext& context;
  std::optional<GuestPort> port;  ///< for an agent of the steps
  AccelerationReport acceleration;
  std::vector<AttachedDisc> discs;

  [[nodiscard]] bool emulate() const { return acceleration.accelerator == Accelerator::kTcg; }
};

Result<ApplianceLaunch> prepare_launch(const SandboxOptions& options,
                                       const SandboxContext& context,
                                       std::optional<GuestPort> port);

/// A micro-appliance that was begun before the disk was free for it.
struct EarlyAppliance {
  PortFolder port;  // first, because qemu listens in it until the machine is gone
  MicroOptions options;
  MicroVm machine;
};

/// Begins to start what is needed when the disk is free. Nothing where libguestfs is wanted, or
/// memory is short; what else stands in its way is met, and told, by who launches it then.
std::optional<EarlyAppliance> begin_early(const SandboxOptions& options,
                                          const SandboxContext& context);

Result<std::unique_ptr<ImageSession>> launch_libguestfs(const ApplianceLaunch& launch,
                                                        const std::filesystem::path& disk);
/// @param early is used up; may be null
Result<std::unique_ptr<ImageSession>> launch_micro(const ApplianceLaunch& launch,
                                                   const std::filesystem::path& disk,
                                                   EarlyAppliance* early);

}  // namespace kiln
