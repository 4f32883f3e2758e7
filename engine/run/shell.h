#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/core/event.h"
#include "engine/core/process_runner.h"
#include "engine/run/kept_disk.h"

namespace kiln {

struct ShellOptions {
  std::string sandbox;  ///< name in the sandbox registry; empty: as the run had it
  AcceleratorChoice accelerator = AcceleratorChoice::kAuto;
  bool network = false;
  std::string connect = {};
  std::vector<Destination> destinations = {};
  std::chrono::milliseconds boot_time_limit = std::chrono::minutes(15);
  std::vector<std::string> command;  ///< empty: a shell
  std::filesystem::path cache_folder;
};

/// The user's end of a shell. All outlive it.
struct ShellServices {
  ProcessRunner& runner;
  EventSink& events;
  CancelToken cancel;
  GuestInput input;
  std::vector<std::pair<std::string, std::string>> environment;
  GuestOutput output;
  std::function<void()> ended = [] {};  ///< called when nothing more comes from the program
};

/// Starts a sandbox on what a failed run kept and runs a shell or a command in it, as root. What is
/// changed there stays in the kept disk.
/// @return the exit code, as shells give it: 128 and the signal's number for a killed one
Result<int> run_shell(const RunFolder& folder,
                      const KeptDisk& kept,
                      const ShellOptions& options,
                      const ShellServices& services);

}  // namespace kiln
