#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "disk/inspect/image_session.h"
#include "engine/core/process_runner.h"
#include "engine/sandbox/micro/micro_files.h"

namespace kiln {

struct MicroOptions {
  std::filesystem::path disk;  ///< a qcow2 file that may be thrown away, such as an overlay
  bool emulate = true;         ///< TCG; else KVM
  unsigned memory_mib = 1024;
  unsigned vcpus = 1;
  bool network = false;
  std::filesystem::path console_log;  ///< what the kernel and the first process say
  std::filesystem::path work_folder;  ///< private, for the socket
  std::optional<GuestPort> port;      ///< a second one, for the agent of the steps
  std::vector<AttachedDisc> discs;
};

/// The controller that drives are put on.
inline constexpr const char* kMicroBus = "scsi.0";
/// What a machine says on its console when it has started.
inline constexpr const char* kWaitsForDisk = "kiln-micro: waits for the disk";

/// Memory that is a file.
struct FileMemory {
  std::filesystem::path file;
  bool resume = false;  ///< the machine goes on from it, and never writes it; else it fills it
};

/// qemu's command line for it, without the disk and the discs, which are put in by the monitor.
/// @param socket of the port that the tools listen on; the monitor's is beside it
Command micro_command(const MicroOptions& options,
                      const MicroFiles& files,
                      const std::filesystem::path& socket,
                      const std::optional<FileMemory>& memory = {});

/// What the monitor is told (`blockdev-add`) of the disk. It is scratch until the machine is off,
/// and the host's page cache outlives it, so nothing waits for writes.
nlohmann::json micro_disk_node(const std::filesystem::path& file, const std::string& name);
/// Of a disc, which cannot be written.
nlohmann::json micro_disc_node(const std::filesystem::path& file, const std::string& name);

std::filesystem::path micro_monitor(const std::filesystem::path& socket);

}  // namespace kiln
