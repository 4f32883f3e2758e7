#include "engine/sandbox/guest/firmware.h"

#include <algorithm>

namespace kiln {
namespace {

struct FirmwareFiles {
  const char* code;
  const char* variables;
};

FirmwareFiles firmware_files(bool secure) {
  if (!secure) return {"/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"};
  return {"/usr/share/OVMF/OVMF_CODE_4M.secboot.fd", "/usr/share/OVMF/OVMF_VARS_4M.ms.fd"};
}

/// The EFI system partition is the only FAT that an image of Linux has.
bool has_efi_partition(const std::vector<FileSystem>& file_systems) {
  return std::any_of(file_systems.begin(), file_systems.end(), [](const auto& each) {
    return each.type == "vfat";
  });
}

bool is_empty(std::string_view boot_code) {
  return boot_code.find_first_not_of('\0') == std::string_view::npos;
}

Error no_boot_code(bool efi) {
  return fail(
             ErrorKind::kUnsupported,
             "Sandbox:NoBootCode",
             "the image is {} generation 1, but its disk has no boot code (the first 440 bytes are "
             "zeros), so it cannot start by BIOS",
             efi ? "said to be of" : "taken for one of")
      .cure(
          efi ? "say generation V2 in the catalog or in the source's hyperVGeneration, or install "
                "a boot loader for BIOS too (`grub-install --target=i386-pc`)"
              : "use an image that starts by itself: this disk has no EFI system partition either");
}

}  // namespace

Result<Firmware> choose_firmware(Firmware asked,
                                 const std::vector<FileSystem>& file_systems,
                                 std::string_view boot_code) {
  const bool efi = has_efi_partition(file_systems);
  const auto firmware = asked != Firmware::kAny ? asked : efi ? Firmware::kUefi : Firmware::kBios;
  if (firmware == Firmware::kBios && is_empty(boot_code)) return no_boot_code(efi);
  if (firmware == Firmware::kUefi && !efi) {
    return fail(
               ErrorKind::kUnsupported,
               "Sandbox:NoEfiPartition",
               "the image is said to be of generation 2, but its disk has no EFI system partition, "
               "so it cannot start by UEFI")
        .cure(
            "say generation V1 in the catalog or in the source's hyperVGeneration, or use an "
            "image that starts by UEFI");
  }
  return firmware;
}

Result<std::filesystem::path> find_uefi_code(bool secure) {
  const auto* code = firmware_files(secure).code;
  std::error_code error;
  if (std::filesystem::exists(code, error)) return code;
  return fail(ErrorKind::kHostNotReady,
              "Sandbox:NoUefi",
              "{} is missing, which starts images of {}",
              code,
              secure ? "security type TrustedLaunch" : "generation 2")
      .cure("apt-get install ovmf");
}

Result<UefiFiles> prepare_uefi(const std::filesystem::path& folder, bool secure) {
  KILN_TRY_ASSIGN(auto code, find_uefi_code(secure));
  UefiFiles files{std::move(code), folder / "uefi-variables.fd", secure};
  const auto* variables = firmware_files(secure).variables;
  std::error_code error;
  std::filesystem::copy_file(
      variables, files.variables, std::filesystem::copy_options::overwrite_existing, error);
  if (error) {
    return fail(ErrorKind::kIo,
                "Sandbox:UefiVariables",
                "cannot copy {} to {}: {}",
                variables,
                files.variables.string(),
                error.message());
  }
  return files;
}

}  // namespace kiln
