#include "engine/sandbox/guest/host_check.h"

#include <libvirt/libvirt.h>

#include "engine/core/temp_dir.h"
#include "engine/sandbox/agent_port.h"
#include "engine/sandbox/guest/firmware.h"
#include "engine/sandbox/guest/tpm_emulator.h"
#include "engine/sandbox/guest/virt_connection.h"

namespace kiln {

Result<std::string> examine_virt() {
  KILN_TRY_ASSIGN(const auto scratch, TempDir::create(short_folder()));
  KILN_TRY_ASSIGN(const auto connection,
                  open_embedded_virt(scratch.path() / "virt", scratch.path()));
  unsigned long version = 0;
  if (::virConnectGetLibVersion(connection->handle(), &version) != 0) {
    return virt_error("Sandbox:Virt", "asking libvirt for its version");
  }
  constexpr unsigned long kMajor = 1'000'000;
  constexpr unsigned long kMinor = 1'000;
  return fmt::format("libvirt {}.{}.{}, in this process",
                     version / kMajor,
                     version / kMinor % kMinor,
                     version % kMinor);
}

Result<std::string> examine_uefi() {
  KILN_TRY_ASSIGN(const auto code, find_uefi_code(/*secure=*/false));
  return code.string();
}

Result<std::string> examine_trusted_launch() {
  KILN_TRY_ASSIGN(const auto code, find_uefi_code(/*secure=*/true));
  KILN_TRY_ASSIGN(const auto tpm, find_tpm_emulator());
  return fmt::format("{}, {}", code.string(), tpm.string());
}

}  // namespace kiln
