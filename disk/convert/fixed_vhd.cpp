#include "disk/convert/fixed_vhd.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
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
    auto temporary = path;
    temporary += ".partial";
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

  /// Durable first, then visible under its name.
  Result<void> publish() {
    if (::fsync(fd_.get()) != 0) return os_error("File:Sync", "write out", temporary_);
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
      return os_error("File:Rename", "replace", path_);
    }
    temporary_.clear();
    const auto folder = path_.has_parent_path() ? path_.parent_path() : ".";
    const UniqueFd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory || ::fsync(directory.get()) != 0) return os_error("File:Sync", "sync", folder);
    return {};
  }

 private:
  PartialFile(std::filesystem::path path, std::filesystem::path temporary)
      : path_(std::move(path)), temporary_(std::move(temporary)) {}

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  UniqueFd fd_;
};

Result<FixedVhd> write_contents(BlockSource& source,
                                const PartialFile& file,
                                FixedVhd vhd,
                                const WalkOptions& options,
                                const WalkProgress& progress) {
  ContentDigest digest;
  const auto write = [&](std::uint64_t offset, Bytes data) -> Result<void> {
    digest.add(offset, data);
    vhd.data_bytes += data.size();
    return file.write(offset, data);
  };
  KILN_TRY_WHILE(walk_data(source, options, write, progress), "writing {}", vhd.path.string());
  vhd.content = digest.finish(vhd.virtual_size);
  const auto footer = serialize_vhd_footer(azure_fixed_footer(vhd.virtual_size, vhd.content));
  KILN_TRY(file.write(vhd.virtual_size, footer));
  return vhd;
}

/// Reads the file back as a reader would: footer, length, contents.
Result<void> verify(const PartialFile& file, const FixedVhd& vhd, const WalkOptions& options) {
  const auto differs = [&](std::string_view what) {
    return fail(ErrorKind::kIo,
                "Disk:VerifyFailed",
                "{} was read back with {} other than what was written",
                file.path().string(),
                what)
        .cure("check the host's disk and memory");
  };
  VhdFooterBytes footer{};
  KILN_TRY(pread_exactly(file.fd(), footer, vhd.virtual_size, file.path()));
  struct stat status {};
  if (::fstat(file.fd(), &status) != 0) return os_error("File:Stat", "examine", file.path());
  if (footer != serialize_vhd_footer(azure_fixed_footer(vhd.virtual_size, vhd.content)) ||
      static_cast<std::uint64_t>(status.st_size) != vhd.virtual_size + kVhdFooterSize) {
    return differs("a footer or a length");
  }
  KILN_TRY_ASSIGN(const auto source, open_raw_source(file.path(), vhd.virtual_size));
  ContentDigest digest;
  const auto add = [&](std::uint64_t offset, Bytes data) -> Result<void> {
    digest.add(offset, data);
    return {};
  };
  KILN_TRY(walk_data(*source, options, add, {}));
  if (digest.finish(vhd.virtual_size) != vhd.content) return differs("contents");
  return {};
}

}  // namespace

std::uint64_t azure_virtual_size(std::uint64_t size_bytes) {
  return std::max(kMiB, round_up(size_bytes, kMiB));
}

Result<FixedVhd> write_fixed_vhd(BlockSource& source,
                                 const std::filesystem::path& path,
                                 const CancelToken& cancel,
                                 const WalkProgress& progress) {
  WalkOptions options;
  options.granularity = ContentDigest::kGranule;
  options.cancel = cancel;
  FixedVhd vhd;
  vhd.path = path;
  vhd.virtual_size = azure_virtual_size(source.size());
  KILN_TRY_ASSIGN(auto file, PartialFile::create(path, vhd.virtual_size + kVhdFooterSize));
  KILN_TRY_ASSIGN(vhd, write_contents(source, file, vhd, options, progress));
  KILN_TRY_WHILE(verify(file, vhd, options), "verifying {}", path.string());
  KILN_TRY(file.publish());
  return vhd;
}

}  // namespace kiln
