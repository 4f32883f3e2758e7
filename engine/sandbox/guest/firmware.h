#pragma once

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "disk/inspect/mount_plan.h"
#include "engine/sandbox/guest/domain_xml.h"

namespace kiln {

/// What starts the image: as asked, else what its disk has, UEFI first. A disk that such a firmware
/// finds nothing to start on is refused: for UEFI, one without an EFI system partition; for BIOS,
/// one without boot code.
/// @param boot_code the disk's first 440 bytes
Result<Firmware> choose_firmware(Firmware asked,
                                 const std::vector<FileSystem>& file_systems,
                                 std::string_view boot_code);

/// Why nothing starts, where the firmware, the boot loader or the kernel has given up and says so.
/// @param console what the machine has said since it was switched on or reset
std::optional<Error> boot_refusal(std::string_view console);

/// The host's UEFI firmware; the error says which package has it.
/// @param secure with Secure Boot, and Microsoft's keys in its variables
Result<std::filesystem::path> find_uefi_code(bool secure);

/// The firmware's files, with variables of this machine's own in `folder`.
Result<UefiFiles> prepare_uefi(const std::filesystem::path& folder, bool secure);

}  // namespace kiln
