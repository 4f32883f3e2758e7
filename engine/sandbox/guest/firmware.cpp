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

std::optional<Error> boot_refusal(std::string_view console) {
  const auto says = [&](std::string_view words) {
    return console.find(words) != std::string_view::npos;
  };
  if (says("Kernel panic - not syncing")) {
    return fail(ErrorKind::kGuestFailed,
                "Sandbox:KernelPanic",
                "the kernel of the image's system panicked while it started")
        .cure(
            "the lines above are the console's last; where the sandbox is emulated, try a host "
            "with "
            "KVM or a newer qemu, or --mode mount, which does not start the image's kernel");
  }
  // It ends in its own shell, which Secure Boot does not start.
  const bool gave_up =
      says("BdsDxe: No bootable option or device was found") || says("startup.nsh");
  // The firmware's words for the loader; shim's and GRUB's for what comes after it.
  if ((gave_up && says(": Access Denied")) || says("Verification failed: (0x1A)") ||
      says("bad shim signature")) {
    return fail(ErrorKind::kUnsupported,
                "Sandbox:SecureBootRefused",
                "Secure Boot does not let the image start: its boot loader or its kernel is not "
                "signed by a key that Microsoft's lead to")
        .cure(
            "install signed ones (Debian: shim-signed, grub-efi-amd64-signed and the "
            "distribution's kernel; Windows: its own, by `bcdboot C:\\Windows /f UEFI`), or leave "
            "out the security type TrustedLaunch");
  }
  if (!gave_up) return std::nullopt;
  return fail(ErrorKind::kUnsupported,
              "Sandbox:NoBootLoader",
              "the firmware finds nothing to start on the image's disk")
      .cure(
          "install a boot loader at EFI/BOOT/BOOTX64.EFI of the EFI system partition "
          "(`grub-install --removable`; in Windows `bcdboot C:\\Windows /f UEFI`)");
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
