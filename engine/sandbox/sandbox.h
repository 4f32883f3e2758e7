#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "disk/inspect/file_tree.h"
#include "disk/workspace/work_disk.h"
#include "engine/agent/guest_agent.h"
#include "engine/core/event.h"
#include "engine/core/process_runner.h"

namespace kiln {

enum class Accelerator { kKvm, kTcg };
enum class AcceleratorChoice { kAuto, kKvm, kTcg };

/// What the guest is, as far as steps and generalization care.
struct GuestSystem {
  std::string os_id;        ///< os-release ID, e.g. `debian`
  std::string pretty_name;  ///< os-release PRETTY_NAME
  std::string root_device;
  std::string root_filesystem;      ///< ext4, xfs, btrfs, …
  std::vector<std::string> mounts;  ///< `/dev/sda2 on /boot/efi (vfat)`
};

/// What starts an image: BIOS for generation 1, UEFI for generation 2; `kAny` is what the disk has.
enum class Firmware { kAny, kBios, kUefi };

/// What services a disk that is not booted: a small system of Kiln's own, libguestfs, or the first
/// with the second for disks that it does not know.
enum class ApplianceChoice { kAuto, kMicro, kLibguestfs };

/// A disc that the sandbox has beside the image's disk, read-only. The guest knows it by the model
/// of its drive, see `drive_of_medium`.
struct OfflineMedium {
  std::string name;           ///< a word of letters, digits, `.`, `_` and `-`
  std::filesystem::path iso;  ///< ISO 9660
};
/// At most 16 characters, which is what SCSI has room for. @param number counts the media from 1
std::string drive_of_medium(std::size_t number);

struct SandboxOptions {
  AcceleratorChoice accelerator = AcceleratorChoice::kAuto;
  ApplianceChoice appliance = ApplianceChoice::kAuto;
  unsigned memory_mib = 1024;
  std::optional<unsigned> vcpus = {};  ///< nothing: as the functions below say
  bool network = false;  ///< a user-mode network card, which reaches whatever the host does
  /// What can be reached without a card, and nothing else; not both.
  std::vector<Destination> destinations = {};
  std::vector<OfflineMedium> media = {};
  std::string connect = {};  ///< URI of the libvirt that boots images; empty: the embedded driver
  Firmware firmware = Firmware::kAny;  ///< where the image's own system is booted
  /// UEFI with Secure Boot, by Microsoft's keys, and a TPM 2.0, where the image's own system is
  /// booted.
  bool trusted_launch = false;
  /// From power-on until the agent answers; under emulation a large image takes minutes.
  std::chrono::milliseconds boot_time_limit = std::chrono::minutes(15);
  /// In which a system shuts down before its power is cut, where a disk is kept after a failure;
  /// systemd gives a service 90 s to end before it kills it.
  std::chrono::milliseconds halt_time_limit = std::chrono::minutes(2);
};

/// One where nothing is asked for, because package tools use one, and under emulation a second
/// processor makes the appliance's start a third slower.
unsigned vcpus_to_mount(const SandboxOptions& options);
/// Two where nothing is asked for and the host has them: services start side by side, so an
/// emulated Debian is up in 23 s instead of 30 s on two cores.
unsigned vcpus_to_boot(const SandboxOptions& options);

/// As they were asked for.
std::vector<std::string> destination_names(const SandboxOptions& options);

/// In the work folder: what kernels and boot loaders say, one virtual machine after the other.
inline constexpr const char* kConsoleLog = "console.log";

/// The code of the error where a layer has begun, and what lies below it is of no use.
inline constexpr const char* kLayerNotWhole = "Sandbox:LayerNotWhole";
/// The code of the error where a saved system does not go on.
inline constexpr const char* kNotResumed = "Sandbox:NotResumed";

/// What a backend gets to work with; all outlive the sandbox.
struct SandboxContext {
  ProcessRunner& runner;
  EventSink& events;
  CancelToken cancel;
  std::filesystem::path work_folder;  ///< private, for sockets and the console log
  std::filesystem::path cache_folder;
  /// What `Sandbox::begin_layer` saved of a running system: the sandbox goes on from it instead of
  /// booting; the disk is as it was then. Empty: none. kNotResumed where it does not go on, and
  /// then the disk is of no use either.
  std::filesystem::path saved_system = {};
};

/// What the image will hold, seen when nothing writes it any more.
struct SealedImage {
  FileTree* files = nullptr;  ///< of a Linux image
  /// Of Windows instead, whose registry counts as much as its files: what a generalized image must
  /// not hold, a sentence each.
  std::optional<std::vector<std::string>> windows_residues = {};
};

/// A virtual machine that holds the work disk and nothing else of the host. Going out of scope
/// kills it; only `seal` and then `finish` say that everything reached the disk.
class Sandbox {
 public:
  virtual ~Sandbox() = default;
  [[nodiscard]] virtual const GuestSystem& system() const = 0;
  virtual GuestAgent& agent() = 0;
  /// Restarts the image's own system and waits until it is up again, at most `limit`. `agent` stays
  /// good. Refused where no system runs that can be told to.
  virtual Result<void> restart(std::chrono::milliseconds limit) = 0;
  /// The same for a system that a program of its own has told to restart, which may have begun.
  virtual Result<void> await_restart(std::chrono::milliseconds limit) = 0;
  /// Before the image's own system is generalized: what the agent made in it goes, as far as it is
  /// not needed to run programs as the system itself.
  virtual Result<void> withdraw() { return {}; }
  /// Shuts the image's own system down where one runs. From here on a new `agent` works on the disk
  /// at rest, mounted; what the system writes while it shuts down is there to be seen and removed.
  /// In Windows no agent works on a disk at rest.
  virtual Result<void> rest() = 0;
  /// Between two steps: makes the file systems whole on their disk and begins a layer. From here on
  /// the work disk is `next`, one more overlay over it, whose own file stays as it is. kUnsupported
  /// where this sandbox cannot now: then all is as before. After kLayerNotWhole the layer has
  /// begun, and what lies below it is as after a power cut.
  /// @param system where the image's own system runs, a file that is made and holds what runs, as
  ///   the disk alone does not; else none is made
  virtual Result<void> begin_layer(const WorkDisk& next, const std::filesystem::path& system) = 0;
  /// What a layer has to spare for it to be worth its making.
  [[nodiscard]] virtual std::chrono::milliseconds layer_cost() const { return {}; }
  /// Ends the agent, trims the file systems and mounts them read-only: what is seen now is what the
  /// image will hold. `agent` may not be used any more.
  virtual Result<SealedImage> seal() = 0;
  /// For a disk that is kept after a failure, from any state: as `rest`, `seal` and `finish`, but a
  /// system that does not shut down within `halt_time_limit` loses its power.
  virtual Result<void> halt() = 0;
  /// Unmounts, flushes, powers off.
  virtual Result<void> finish() = 0;
};

}  // namespace kiln
