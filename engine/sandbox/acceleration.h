#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "engine/core/event.h"
#include "engine/core/process_runner.h"
#include "engine/sandbox/host_kernel.h"
#include "engine/sandbox/sandbox.h"

namespace kiln {

struct AccelerationReport {
  Accelerator accelerator = Accelerator::kTcg;
  std::string why;  ///< for people, e.g. `a guest ran under KVM in 1.4 s`
  bool from_cache = false;
  std::filesystem::path kernel;  ///< the host's kernel that sandboxes boot with
};

/// Whether KVM runs guests on this host. That /dev/kvm opens proves nothing: on nested and
/// paravirtual hosts qemu then aborts, or the guest hangs. So a tiny guest is run to a known
/// output. The answer is remembered in `cache_folder` for this boot of the host, this qemu and this
/// kernel. Fails only where no sandbox could run at all (no readable kernel, no qemu).
Result<AccelerationReport> prove_acceleration(ProcessRunner& runner,
                                              const std::filesystem::path& cache_folder,
                                              const CancelToken& cancel,
                                              const HostPaths& host = {});

/// What was proved before on this boot of the host; nothing where nothing was. Writes nothing.
std::optional<AccelerationReport> recall_acceleration(const std::filesystem::path& cache_folder,
                                                      const HostPaths& host = {});

/// What `--accel` means: `auto` falls back to emulation with a warning, `kvm` makes the fallback an
/// error, `tcg` never probes.
Result<AccelerationReport> choose_accelerator(AcceleratorChoice choice,
                                              ProcessRunner& runner,
                                              const std::filesystem::path& cache_folder,
                                              EventSink& events,
                                              const CancelToken& cancel,
                                              const HostPaths& host = {});

/// The same for a sandbox. From here on its options say it, so what else is started with them is
/// the same, and nobody is told again.
Result<Accelerator> settle_accelerator(SandboxOptions& options, const SandboxContext& context);

/// A working KVM runs the probe in one to two seconds; a hung guest never ends.
inline constexpr std::chrono::seconds kProbeLimit{10};

/// The probe's guest, which prints `kProbeAnswer` and powers off.
Command probe_command(Accelerator accelerator,
                      const std::filesystem::path& kernel,
                      const std::filesystem::path& initrd);
inline constexpr const char* kProbeAnswer = "kiln-acceleration-probe: ok";

}  // namespace kiln
