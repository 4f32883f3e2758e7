#include "engine/sandbox/guest/firmware.h"

#include <algorithm>

namespace kiln {
namespace {

constexpr const char* kCode = "/usr/share/OVMF/OVMF_CODE_4M.fd";
constexpr const char* kVariables = "/usr/share/OVMF/OVMF_VARS_4M.fd";

/// The EFI system partition is the only FAT that an image of Linux has.
bool has_efi_partition(const std::vector<FileSystem>& file_systems) {
  return std::any_of(file_systems.begin(), file_systems.end(), [](const auto& each) {
    return each.type == "vfat";
  });
}

}  // namespace

Result<Firmware> choose_firmware(Firmware asked, const MountedImage& image) {
  const bool efi = has_efi_partition(image.file_systems);
  if (asked == Firmware::kAny) return efi ? Firmware::kUefi : Firmware::kBios;
  if (asked == Firmware::kUefi && !efi) {
    return fail(
               ErrorKind::kUnsupported,
               "Sandbox:NoEfiPartition",
               "the image is said to be of generation 2, but its disk has no EFI system partition, "
               "so it cannot start by UEFI")
        .cure(
            "say generation V1 in the catalog or in the source's hyperVGeneration, or use an "
            "image that starts by UEFI");
  }
  return asked;
}

Result<std::filesystem::path> find_uefi_code() {
  std::error_code error;
  if (std::filesystem::exists(kCode, error)) return kCode;
  return fail(ErrorKind::kHostNotReady,
              "Sandbox:NoUefi",
              "{} is missing, which starts images of generation 2",
              kCode)
      .cure("apt-get install ovmf");
}

Result<UefiFiles> prepare_uefi(const std::filesystem::path& folder) {
  KILN_TRY_ASSIGN(auto code, find_uefi_code());
  UefiFiles files{std::move(code), folder / "uefi-variables.fd"};
  std::error_code error;
  std::filesystem::copy_file(
      kVariables, files.variables, std::filesystem::copy_options::overwrite_existing, error);
  if (error) {
    return fail(ErrorKind::kIo,
                "Sandbox:UefiVariables",
                "cannot copy {} to {}: {}",
                kVariables,
                files.variables.string(),
                error.message());
  }
  return files;
}

}  // namespace kiln
