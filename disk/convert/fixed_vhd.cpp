#include "disk/convert/fixed_vhd.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "disk/convert/content_digest.h"
#include "disk/formats/vhd_footer.h"
#include "engine/core/file.h"

namespace kiln {
namespace {

/// The kernel lets one thread at a time write into a file, so more than a few only wait.
constexpr unsigned kMostWorkers = 4;

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

Error differs(const PartialFile& file, std::string_view what) {
  return fail(ErrorKind::kIo,
              "Disk:VerifyFailed",
              "{} was read back with {} other than what was written",
              file.path().string(),
              what)
      .cure("check the host's disk and memory");
}

/// In pieces, so that the comparison adds little to what the cache has to hold.
Result<void> read_back(const PartialFile& file, std::uint64_t offset, Bytes written) {
  std::array<std::byte, 64 * kKiB> buffer;
  while (!written.empty()) {
    const auto piece = MutableBytes(buffer).first(std::min(written.size(), buffer.size()));
    KILN_TRY(pread_exactly(file.fd(), piece, offset, file.path()));
    if (std::memcmp(piece.data(), written.data(), piece.size()) != 0) {
      return differs(file, "contents");
    }
    written = written.subspan(piece.size());
    offset += piece.size();
  }
  return {};
}

/// Each worker reads, digests, writes and reads back a chunk while it is in its processor's cache.
Result<FixedVhd> write_contents(BlockSource& source,
                                const PartialFile& file,
                                FixedVhd vhd,
                                const WalkOptions& options,
                                const WalkProgress& progress) {
  std::mutex mutex;
  ContentDigest digest;
  const auto write = [&](std::uint64_t offset, Bytes data) -> Result<void> {
    ContentDigest chunk;
    chunk.add(offset, data);
    KILN_TRY(file.write(offset, data));
    KILN_TRY(read_back(file, offset, data));
    const std::lock_guard lock(mutex);
    digest.merge(chunk);
    vhd.data_bytes += data.size();
    return {};
  };
  KILN_TRY(walk_data(source, options, write, progress));
  vhd.content = digest.finish(vhd.virtual_size);
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
