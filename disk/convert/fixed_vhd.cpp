#include "disk/convert/fixed_vhd.h"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <mutex>
#include <optional>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "disk/convert/content_digest.h"
#include "disk/extents/nbd_source.h"
#include "disk/formats/vhd_footer.h"
#include "engine/core/file.h"

namespace kiln {
namespace {

Error os_error(std::string code, std::string_view verb, const std::filesystem::path& path) {
  const int reason = errno;
  auto error = fail(
      ErrorKind::kIo, std::move(code), "cannot {} {}: {}", verb, path.string(), strerror(reason));
  if (reason == EFBIG) return std::move(error).cure("write to a file system with larger files");
  return error;
}

/// The file under its temporary name, removed unless it is published.
class PartialFile {
 public:
  static Result<PartialFile> create(const std::filesystem::path& path, std::uint64_t size) {
    auto temporary = partial_vhd(path);
    PartialFile file(path, temporary);
    // One left behind by a killed run is overwritten.
    file.fd_ = UniqueFd(
        ::open(temporary.c_str(), O_CREAT | O_TRUNC | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!file.fd_) {
      file.temporary_.clear();
      return os_error("File:Create", "create", temporary);
    }
    if (::ftruncate(file.fd_.get(), static_cast<off_t>(size)) != 0) {
      return os_error("File:Resize", "set the size of", temporary);
    }
    return file;
  }

  PartialFile(PartialFile&& other) noexcept
      : path_(std::move(other.path_)),
        temporary_(std::exchange(other.temporary_, {})),
        fd_(std::move(other.fd_)) {}
  PartialFile& operator=(PartialFile&&) = delete;
  ~PartialFile() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }

  [[nodiscard]] const std::filesystem::path& path() const { return temporary_; }
  [[nodiscard]] int fd() const { return fd_.get(); }

  Result<void> write(std::uint64_t offset, Bytes data) const {
    return pwrite_all(fd_.get(), data, offset, temporary_);
  }

  /// The contents are left to the kernel's own writing out, as qemu-img leaves them: after kill -9
  /// they are complete, after a power failure the run's SHA-256 tells, and waiting for the disk
  /// would take several times as long as the conversion.
  Result<void> publish() {
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
      return os_error("File:Rename", "replace", path_);
    }
    temporary_.clear();
    return {};
  }

 private:
  PartialFile(std::filesystem::path path, std::filesystem::path temporary)
      : path_(std::move(path)), temporary_(std::move(temporary)) {}

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  UniqueFd fd_;
};

/// Reads back what was written, in a thread that follows the writer, and digests it again: the
/// second look costs little while the bytes are still in the processor's cache.
class ReadBack {
 public:
  explicit ReadBack(std::unique_ptr<BlockSource> file)
      : file_(std::move(file)), thread_([this] { result_ = run(); }) {}
  ReadBack(const ReadBack&) = delete;
  ReadBack& operator=(const ReadBack&) = delete;
  ~ReadBack() { close(); }

  /// `length` bytes at `offset` are in the file now.
  void written(std::uint64_t offset, std::size_t length) {
    const std::lock_guard lock(mutex_);
    ranges_.push_back({offset, length});
    changed_.notify_one();
  }

  /// Waits for the thread; the digest of what it read.
  Result<std::array<std::byte, 16>> finish() {
    close();
    KILN_TRY(result_);
    return digest_.finish(file_->size());
  }

 private:
  struct Range {
    std::uint64_t offset;
    std::size_t length;
  };

  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
      changed_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
  }

  std::optional<Range> next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return closed_ || !ranges_.empty(); });
    if (ranges_.empty()) return std::nullopt;
    const auto range = ranges_.front();
    ranges_.pop_front();
    return range;
  }

  Result<void> run() {
    std::vector<std::byte> buffer(kPiece);
    while (auto range = next()) {
      while (range->length > 0) {
        const auto piece = MutableBytes(buffer).first(std::min(range->length, kPiece));
        KILN_TRY_ASSIGN(const auto ticket, file_->start_read(range->offset, piece));
        KILN_TRY(file_->wait(ticket));
        digest_.add(range->offset, piece);
        range->offset += piece.size();
        range->length -= piece.size();
      }
    }
    return {};
  }

  static constexpr std::size_t kPiece = 256 * kKiB;  ///< fits the second-level cache
  std::unique_ptr<BlockSource> file_;
  ContentDigest digest_;
  Result<void> result_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Range> ranges_;
  bool closed_ = false;
  std::thread thread_;
};

Error differs(const PartialFile& file, std::string_view what) {
  return fail(ErrorKind::kIo,
              "Disk:VerifyFailed",
              "{} was read back with {} other than what was written",
              file.path().string(),
              what)
      .cure("check the host's disk and memory");
}

Result<FixedVhd> write_contents(BlockSource& source,
                                const PartialFile& file,
                                FixedVhd vhd,
                                const WalkOptions& options,
                                const WalkProgress& progress) {
  KILN_TRY_ASSIGN(auto readable, open_raw_source(file.path(), vhd.virtual_size));
  ReadBack read_back(std::move(readable));
  ContentDigest digest;
  const auto write = [&](std::uint64_t offset, Bytes data) -> Result<void> {
    KILN_TRY(file.write(offset, data));
    read_back.written(offset, data.size());
    digest.add(offset, data);
    vhd.data_bytes += data.size();
    return {};
  };
  KILN_TRY(walk_data(source, options, write, progress));
  vhd.content = digest.finish(vhd.virtual_size);
  KILN_TRY_ASSIGN(const auto content, read_back.finish());
  if (content != vhd.content) return differs(file, "contents");
  return vhd;
}

Result<void> write_footer(const PartialFile& file, const FixedVhd& vhd) {
  const auto footer = serialize_vhd_footer(azure_fixed_footer(vhd.virtual_size, vhd.content));
  KILN_TRY(file.write(vhd.virtual_size, footer));
  VhdFooterBytes found{};
  KILN_TRY(pread_exactly(file.fd(), found, vhd.virtual_size, file.path()));
  struct stat status {};
  if (::fstat(file.fd(), &status) != 0) return os_error("File:Stat", "examine", file.path());
  if (found != footer ||
      static_cast<std::uint64_t>(status.st_size) != vhd.virtual_size + kVhdFooterSize) {
    return differs(file, "a footer or a length");
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
  options.largest_chunk = 512 * kKiB;
  options.reads_in_flight = 8;
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
