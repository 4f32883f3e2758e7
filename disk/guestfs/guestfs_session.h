#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "disk/grow/volumes.h"
#include "disk/inspect/file_tree.h"
#include "disk/inspect/mount_plan.h"
#include "engine/core/cancel.h"
#include "engine/core/result.h"

namespace kiln {

/// A second virtio-serial port for the appliance: `socket` is created by qemu, which listens on it.
struct GuestfsPort {
  std::filesystem::path socket;  ///< at most kLongestSocketPath bytes
  std::string name;              ///< /dev/virtio-ports/NAME inside
};

/// sockaddr_un holds 108 bytes with the terminating zero.
inline constexpr std::size_t kLongestSocketPath = 107;

struct GuestfsOptions {
  std::filesystem::path disk;  ///< a qcow2 file that may be thrown away, such as an overlay
  bool emulate = true;         ///< TCG; else KVM
  unsigned memory_mib = 1024;
  unsigned vcpus = 1;
  bool network = false;
  std::filesystem::path console_log;  ///< what the appliance's kernel and daemon say
  std::filesystem::path temp_folder;  ///< for libguestfs's own scratch files
  std::optional<GuestfsPort> port;
};

/// A running libguestfs appliance with one disk. Going out of scope kills it; only `finish` says
/// that everything reached the disk. All calls are made by one thread. When the token given to
/// `launch_guestfs` fires, a call under way ends within a second, and it and every later call fails
/// with `cancelled()`.
class GuestfsSession {
 public:
  virtual ~GuestfsSession() = default;

  /// Partitions, logical volumes and btrfs subvolumes with their identities; whole disks without a
  /// partition table too.
  virtual Result<std::vector<FileSystem>> file_systems() = 0;
  /// Looks into every file system that can hold a root. Nothing may be mounted, and nothing is
  /// afterwards.
  virtual Result<std::vector<RootCandidate>> root_candidates(
      const std::vector<FileSystem>& file_systems) = 0;

  /// The first 440 bytes of the disk: what BIOS starts, zeros where nothing was installed.
  virtual Result<std::string> boot_code() = 0;

  virtual Result<void> mount(const PlannedMount& mount, bool read_only) = 0;
  virtual Result<void> unmount_all() = 0;
  /// Gives blocks that the mounted file system does not use back to the disk image.
  virtual Result<void> trim(const std::string& mount_point) = 0;

  /// Writes a small file (at most 4 MiB).
  virtual Result<void> write(std::string_view contents, const std::string& path, unsigned mode) = 0;
  virtual Result<void> make_folder(const std::string& path, unsigned mode) = 0;
  /// A symbolic link at `path`, which must not exist.
  virtual Result<void> link(const std::string& target, const std::string& path) = 0;
  virtual Result<void> remove_all(const std::string& path) = 0;
  /// Runs a program, chrooted into what is mounted, and returns what it printed.
  virtual Result<std::string> run(const std::vector<std::string>& argv) = 0;

  /// What is mounted now.
  virtual FileTree& files() = 0;
  /// What can grow on the disk.
  virtual Volumes& volumes() = 0;

  /// Unmounts, flushes and ends the appliance. No call may follow.
  virtual Result<void> finish() = 0;
};

Result<std::unique_ptr<GuestfsSession>> launch_guestfs(const GuestfsOptions& options,
                                                       const CancelToken& cancel);

}  // namespace kiln
