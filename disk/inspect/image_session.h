#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "disk/inspect/file_tree.h"
#include "disk/inspect/mount_plan.h"
#include "engine/core/result.h"

namespace kiln {

class Hives;
class Volumes;

/// A virtio-serial port of a virtual machine: qemu creates the socket and listens on it.
struct GuestPort {
  std::filesystem::path socket;  ///< at most kLongestSocketPath bytes
  std::string name;              ///< /dev/virtio-ports/NAME inside
};

/// The image of a disc, in a SCSI drive beside the disk that is serviced.
struct AttachedDisc {
  std::filesystem::path iso;
  std::string drive;  ///< what the guest reads in /sys/block/sr*/device/model; 16 characters
};

/// sockaddr_un holds 108 bytes with the terminating zero.
inline constexpr std::size_t kLongestSocketPath = 107;

/// A file, or whatever is no folder, that was changed.
struct ChangedFile {
  std::string path;
  std::uint64_t size = 0;  ///< bytes
  std::chrono::system_clock::time_point when;
};
struct ChangedFiles {
  std::vector<ChangedFile> files;
  std::size_t more = 0;  ///< that are not among these
};

/// A virtual machine that services one disk without starting what is on it. Devices have
/// libguestfs's names: the disk is /dev/sda. Going out of scope kills the machine; only `finish`
/// says that everything reached the disk. All calls are made by one thread. When the token given to
/// the launch fires, a call under way ends within a second, and it and every later call fails with
/// `cancelled()`.
class ImageSession {
 public:
  virtual ~ImageSession() = default;

  /// Partitions, logical volumes and btrfs subvolumes with their identities; whole disks without a
  /// partition table too.
  virtual Result<std::vector<FileSystem>> file_systems() = 0;
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
  /// Gives `to` the SELinux label that `from` has; does nothing where that has none. Links are not
  /// followed.
  virtual Result<void> copy_label(const std::string& from, const std::string& to) = 0;
  /// Starts the agent as root in what is mounted. It must be told to go into the background; the
  /// image has no trace of its program afterwards.
  /// @param arguments without the program's name
  virtual Result<void> start_agent(const std::vector<std::string>& arguments) = 0;

  /// What was changed since, contents or attributes, at most `limit` of it. kUnsupported where this
  /// kind of session cannot tell.
  virtual Result<ChangedFiles> changed_since(std::chrono::system_clock::time_point since,
                                             std::size_t limit) = 0;

  /// From here on what is written goes to `overlay`, a qcow2 file that lies over the disk as it is;
  /// nothing writes the disk's own file any more. kUnsupported where this kind of session cannot,
  /// or where the virtual machine refused: then all is as before.
  virtual Result<void> begin_layer(const std::filesystem::path& overlay) = 0;

  /// What is mounted now.
  virtual FileTree& files() = 0;
  /// What can grow on the disk; nothing where this kind of session cannot grow any.
  virtual Volumes* volumes() = 0;
  /// The registry of a Windows image; nothing where this kind of session cannot read it.
  virtual Hives* hives() = 0;

  /// Unmounts, flushes and ends the machine. No call may follow.
  virtual Result<void> finish() = 0;
};

}  // namespace kiln
