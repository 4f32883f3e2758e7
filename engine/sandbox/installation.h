#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/sandbox/sandbox.h"

namespace kiln {

/// Something that an installer says on its console or its log port.
struct ConsoleMark {
  enum class Kind {
    kProgress,
    kQuestion,  ///< it waits for somebody who is not there
    kFailure,
    kDone,  ///< from here on the end of the machine is a success
  };
  Kind kind = Kind::kProgress;
  /// An ECMAScript regular expression that is searched for in each line; lines come without control
  /// sequences, cut to `kMarkedLine` characters.
  std::string pattern;
  std::string words;  ///< for the user; `$1` is the pattern's first group
};
inline constexpr std::size_t kMarkedLine = 300;

/// An unattended installation, as a family of installers wants it. Files are the caller's and
/// outlive it; none is written. The machine has no network card, two serial ports, of which the
/// second one, the log port, takes the installer's log where the answers send it there, and the
/// disk as `/dev/sda`. It is over when the machine powers off, or restarts once more than
/// `restarts` says.
struct Installation {
  std::string system;            ///< what is installed, for messages, e.g. `Debian 13`
  std::filesystem::path iso;     ///< in the first CD drive
  std::filesystem::path kernel;  ///< taken out of the ISO; empty: the firmware boots the ISO
  std::filesystem::path initrd;  ///< likewise, with what else the installer needs
  std::string arguments;         ///< of the kernel
  std::vector<std::filesystem::path> media;  ///< further ISOs, in CD drives of their own
  /// An ISO 9660 image by whose label the installer knows it, in the last CD drive.
  std::optional<std::filesystem::path> answer_disk;
  Firmware firmware = Firmware::kUefi;  ///< not kAny
  std::uint64_t disk_bytes = 0;
  unsigned memory_mib = 2048;
  /// How often the machine starts from its disk before the installation is done.
  unsigned restarts = 0;
  bool sata_disk = false;  ///< for systems without virtio's drivers
  /// The firmware asks for a key before it starts the ISO, and gets one.
  bool key_to_boot = false;
  std::chrono::milliseconds time_limit = std::chrono::hours(2);
  /// How long the machine may do nothing: it says nothing new, and disk and processor are idle.
  std::chrono::milliseconds idle_limit = std::chrono::minutes(3);
  /// How long a busy machine may be without output and disk activity.
  std::chrono::milliseconds silence_limit = std::chrono::minutes(10);
  /// How long it may write next to nothing to the disk and say what it has said before, again and
  /// again.
  std::chrono::milliseconds loop_limit = std::chrono::minutes(6);
  /// In order: the first one that fits a line counts.
  std::vector<ConsoleMark> marks;
  /// Paths in the installed system where the installer leaves its log, for errors.
  std::vector<std::string> logs;
};

/// In the work folder, beside `kConsoleLog`: what came over the log port.
inline constexpr const char* kInstallerLog = "installer.log";

/// Installs into a new qcow2 disk. Progress goes to `context.events`; an error has the console's
/// last screen and the installer's log.
/// @param disk created or replaced; of no use where this fails
Result<void> run_installation(const Installation& installation,
                              const std::filesystem::path& disk,
                              const SandboxOptions& options,
                              const SandboxContext& context);

}  // namespace kiln
