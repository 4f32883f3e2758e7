#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/sandbox/sandbox.h"

namespace kiln {

/// UEFI: the code, and this machine's own copy of the variables.
struct UefiFiles {
  std::filesystem::path code;
  std::filesystem::path variables;
  bool secure = false;  ///< the code enforces Secure Boot, for which the machine needs SMM
};

/// What a machine has while a system is installed on its disk.
struct InstallerDevices {
  std::filesystem::path disk;              ///< an empty qcow2
  bool sata_disk = false;                  ///< else virtio-scsi, as in every other machine
  std::vector<std::filesystem::path> cds;  ///< ISO images, each in a drive of its own
  std::filesystem::path kernel;            ///< empty: the firmware starts the disk, else a CD
  std::filesystem::path initrd;
  std::string arguments;
  std::filesystem::path log_port;  ///< what the second serial port takes, appended to
  bool end_on_restart = true;
};

/// Whose drivers a machine's devices are for. Windows has none of virtio, so its disk is SATA's,
/// its network card Intel's, and the agent's port the second serial one, COM2.
enum class DeviceDrivers { kLinux, kWindows };

/// The virtual machine that a guest boots in.
struct DomainSpec {
  std::string name;
  DeviceDrivers drivers = DeviceDrivers::kLinux;
  Accelerator accelerator = Accelerator::kTcg;
  unsigned memory_mib = 1024;
  unsigned vcpus = 1;
  bool network = false;
  /// Without cmpxchg16b where it is emulated: see runs_without_cx16.
  bool without_cx16 = false;
  std::filesystem::path emulator;
  int owner = 0;                      ///< process id that the keeper watches; 0 where there is none
  std::string disk_node;              ///< `json:` and a qemu block node, see WorkDisk::node
  std::vector<OfflineMedium> media;   ///< read-only, behind the disk
  std::optional<UefiFiles> uefi;      ///< none: BIOS
  std::filesystem::path tpm_socket;   ///< of a TPM 2.0; empty: none
  std::filesystem::path console_log;  ///< appended to
  bool incoming = false;              ///< waits for what was saved of such a machine
  std::filesystem::path agent_socket;         ///< made by qemu, which listens; empty: none
  std::optional<InstallerDevices> installer;  ///< with a disk of its own instead of `disk_node`
};

/// Whether a distribution's programs do without cmpxchg16b, which qemu 7.2 emulates wrongly: what
/// it leaves in the flags register makes kernels panic, from 6.5 on within minutes. Distributions
/// made for x86-64-v2 need the instruction, and those made for less can have it hidden.
/// @param os_id os-release ID
bool runs_without_cx16(std::string_view os_id);

/// The name of the disk's block node.
inline constexpr const char* kDiskNode = "work";

/// The machine as Azure shows it: q35, Microsoft's names in SMBIOS and the asset tag by which
/// cloud-init and the agent know Azure; no network card unless asked. The disk goes to qemu as a
/// block node of ours, since libvirt has no name for every format of a base; it is sda, as on
/// Azure. Windows gets a screen, Hyper-V's enlightenments under KVM, which alone has them, and a
/// clock that shows the local time.
std::string domain_xml(const DomainSpec& spec);

}  // namespace kiln
