#pragma once

#include <filesystem>
#include <optional>

#include "engine/sandbox/appliance/mounted_image.h"
#include "engine/sandbox/guest/domain_xml.h"

namespace kiln {

/// What starts the image: as asked, else what its disk has. A disk without an EFI system partition
/// cannot be of generation 2, which is refused.
Result<Firmware> choose_firmware(Firmware asked, const MountedImage& image);

/// The host's UEFI firmware; the error says which package has it.
Result<std::filesystem::path> find_uefi_code();

/// The firmware's files, with variables of this machine's own in `folder`.
Result<UefiFiles> prepare_uefi(const std::filesystem::path& folder);

}  // namespace kiln
