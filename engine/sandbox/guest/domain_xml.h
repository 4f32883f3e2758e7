#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "engine/sandbox/sandbox.h"

namespace kiln {

/// UEFI: the code, and this machine's own copy of the variables.
struct UefiFiles {
  std::filesystem::path code;
  std::filesystem::path variables;
  bool secure = false;  ///< the code enforces Secure Boot, for which the machine needs SMM
};

/// The virtual machine that a guest boots in.
struct DomainSpec {
  std::string name;
  Accelerator accelerator = Accelerator::kTcg;
  unsigned memory_mib = 1024;
  unsigned vcpus = 1;
  bool network = false;
  std::filesystem::path emulator;
  int owner = 0;                      ///< process id that the keeper watches; 0 where there is none
  std::string disk_node;              ///< `json:` and a qemu block node, see WorkDisk::node
  std::optional<UefiFiles> uefi;      ///< none: BIOS
  std::filesystem::path tpm_socket;   ///< of a TPM 2.0; empty: none
  std::filesystem::path console_log;  ///< appended to
  std::filesystem::path agent_socket;  ///< made by qemu, which listens
};

/// The agent's port is /dev/virtio-ports/NAME in the guest.
inline constexpr const char* kAgentPortName = "org.kiln.0";

/// The machine as Azure shows it: q35, Microsoft's names in SMBIOS and the asset tag by which
/// cloud-init and the agent know Azure; no network card unless asked. The disk goes to qemu as a
/// block node of ours, since libvirt has no name for every format of a base; it is sda, as on
/// Azure.
std::string domain_xml(const DomainSpec& spec);

}  // namespace kiln
