#include "disk/convert/fixed_vhd.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <mutex>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "disk/convert/content_digest.h"
#include "disk/convert/write_verified.h"
#include "disk/formats/vhd_footer.h"
#include "engine/core/unique_fd.h"

namespace kiln {
namespace {

/// One thread at a time writes into the file, so more than a few only wait.
constexpr unsigned kMostWorkers = 4;
/// One worker has the kernel write out while the others go on.
constexpr std::uint64_t kWriteOutEvery = 8 * kMiB;

Error os_error(std::string code, std::string_view verb, const std::filesystem::path& path) {
  const int reason = errno;
  auto error = fail(
      ErrorKind::kIo, std::move(code), "cannot {} {}: {}", verb, path.string(), strerror(reason));
  if (reason == EFBIG) return std::move(error).cure("write to a file system with larger files");
  return error;
}

Error busy(const std::filesystem::path& path) {
  return fail(ErrorKind::kIo, "File:Busy", "another process is writing {}", path.string())
      .cure("wait until it has ended, or choose another name");
}

/// Opens and locks the file of that name. One left behind by a killed run is taken over, never one
/// that somebody still writes: whoever removes such files (`runs gc`) asks for the lock, too.
Result<UniqueFd> claim(const std::filesystem::path& path) {
  while (true) {
    UniqueFd file(::open(path.c_str(), O_CREAT | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!file) return os_error("File:Create", "create", path);
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return busy(path);
    struct stat locked {};
    struct stat named {};
    const bool exists = ::fstat(file.get(), &locked) == 0 && ::lstat(path.c_str(), &named) == 0;
    // Its last owner may have renamed or removed it between our two calls.
    if (exists && locked.st_dev == named.st_dev && locked.st_ino == named.st_ino) return file;
  }
}

/// The file under its temporary name, removed unless it is published.
class PartialFile {
 public:
  static Result<PartialFile> create(const std::filesystem::path& path, std::uint64_t size) {
    auto temporary = partial_vhd(path);
    KILN_TRY_ASSIGN(auto fd, claim(temporary));
    PartialFile file(path, std::move(temporary), std::move(fd));
    // Only what a killed run left is cut: ext4 writes a file out when it is closed after a cut to
    // nothing, even to nothing from nothing, and that doubles the time of a conversion.
    struct stat left {};
    const bool is_empty = ::fstat(file.fd(), &left) == 0 && left.st_size == 0;
    if ((!is_empty && ::ftruncate(file.fd(), 0) != 0) ||
        ::ftruncate(file.fd(), static_cast<off_t>(size)) != 0) {
      return os_error("File:Resize", "set the size of", file.temporary_);
    }
    return file;
  }

  PartialFile(PartialFile&& other) noexcept
      : path_(std::move(other.path_)),
        temporary_(std::exchange(other.temporary_, {})),
        fd_(std::move(other.fd_)),
        turn_(std::move(other.turn_)),
        replaces_(other.replaces_) {}
  PartialFile& operator=(PartialFile&&) = delete;
  ~PartialFile() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }

  [[nodiscard]] const std::filesystem::path& path() const { return temporary_; }
  [[nodiscard]] int fd() const { return fd_.get(); }

  Result<void> write(std::uint64_t offset, Bytes data) const {
    return write_verified(fd_.get(), fd_.get(), *turn_, data, offset, temporary_);
  }

  /// Has the kernel begin to write out what was written so far, where it would all be waited for in
  /// the end: ext4 and xfs do so before a file takes another's name.
  void write_out() const {
    if (replaces_) ::sync_file_range(fd_.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
  }

  /// The contents are left to the kernel's own writing out, as qemu-img leaves them: after kill -9
  /// they are complete, after a power failure the digest in the run's record tells, and waiting for
  /// the disk would take several times as long as the conversion.
  Result<void> publish() {
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
      return os_error("File:Rename", "replace", path_);
    }
    temporary_.clear();
    return {};
  }

 private:
  PartialFile(std::filesystem::path path, std::filesystem::path temporary, UniqueFd fd)
      : path_(std::move(path)),
        temporary_(std::move(temporary)),
        fd_(std::move(fd)),
        replaces_(::access(path_.c_str(), F_OK) == 0) {}

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  UniqueFd fd_;
  std::unique_ptr<std::mutex> turn_ = std::make_unique<std::mutex>();  ///< to write
  bool replaces_;  ///< another file has the name now
};

/// What several workers find out together.
class Tally {
 public:
  /// @return whether it is time to write out what there is
  bool add(std::uint64_t offset, Bytes data) {
    ContentDigest chunk;
    chunk.add(offset, data);
    const std::lock_guard lock(mutex_);
    digest_.merge(chunk);
    const auto before = bytes_;
    bytes_ += data.size();
    return before / kWriteOutEvery != bytes_ / kWriteOutEvery;
  }
  [[nodiscard]] std::array<std::byte, 16> content(std::uint64_t disk_size) const {
    return digest_.finish(disk_size);
  }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  std::mutex mutex_;
  ContentDigest digest_;
  std::uint64_t bytes_ = 0;
};

Result<FixedVhd> write_contents(BlockSource& source,
                                const PartialFile& file,
                                FixedVhd vhd,
                                const WalkOptions& options,
                                const WalkProgress& progress) {
  Tally written;
  const auto write = [&](std::uint64_t offset, Bytes data) -> Result<void> {
    const bool much = written.add(offset, data);
    KILN_TRY(file.write(offset, data));  // and read back, while all of it is in the cache
    if (much) file.write_out();
    return {};
  };
  KILN_TRY(walk_data(source, options, write, progress));
  vhd.content = written.content(vhd.virtual_size);
  vhd.data_bytes = written.bytes();
  return vhd;
}

Result<void> write_footer(const PartialFile& file, const FixedVhd& vhd) {
  const auto footer = serialize_vhd_footer(azure_fixed_footer(vhd.virtual_size, vhd.content));
  KILN_TRY(file.write(vhd.virtual_size, footer));
  struct stat status {};
  if (::fstat(file.fd(), &status) != 0) return os_error("File:Stat", "examine", file.path());
  if (static_cast<std::uint64_t>(status.st_size) != vhd.virtual_size + kVhdFooterSize) {
    return fail(ErrorKind::kIo,
                "Disk:VerifyFailed",
                "{} has {} bytes in the end instead of {}",
                file.path().string(),
                status.st_size,
                vhd.virtual_size + kVhdFooterSize)
        .cure("make sure that nobody else writes to the file, then repeat");
  }
  return {};
}

}  // namespace

std::filesystem::path partial_vhd(std::filesystem::path path) {
  return path += ".partial";
}

std::uint64_t azure_virtual_size(std::uint64_t size_bytes) {
  return std::max(kMiB, round_up(size_bytes, kMiB));
}

Result<FixedVhd> write_fixed_vhd(BlockSource& source,
                                 const std::filesystem::path& path,
                                 const CancelToken& cancel,
                                 const WalkProgress& progress) {
  WalkOptions options;
  options.granularity = ContentDigest::kGranule;
  // Small enough that what is read is still in the processor's cache when it is written and read
  // back: with chunks of 4 MiB the same conversion takes three times as long.
  options.largest_chunk = 256 * kKiB;
  options.workers = std::clamp(std::thread::hardware_concurrency(), 1U, kMostWorkers);
  options.cancel = cancel;
  FixedVhd vhd;
  vhd.path = path;
  vhd.virtual_size = azure_virtual_size(source.size());
  KILN_TRY_ASSIGN(auto file, PartialFile::create(path, vhd.virtual_size + kVhdFooterSize));
  KILN_TRY_ASSIGN(vhd, write_contents(source, file, vhd, options, progress));
  KILN_TRY(write_footer(file, vhd));
  KILN_TRY(file.publish());
  return vhd;
}

}  // namespace kiln
