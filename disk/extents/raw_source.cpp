#include "disk/extents/raw_source.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk/extents/extent_map.h"
#include "engine/core/file.h"

namespace kiln {
namespace {

class RawSource : public BlockSource {
 public:
  RawSource(UniqueFd file, std::filesystem::path path, std::uint64_t size)
      : file_(std::move(file)), path_(std::move(path)), size_(size) {}

  [[nodiscard]] std::uint64_t size() const override { return size_; }

  Result<std::vector<Extent>> extents() override {
    ExtentMap map;
    while (map.end() < size_) {
      KILN_TRY_ASSIGN(const auto data, seek(map.end(), SEEK_DATA));
      map.add(data - map.end(), true);
      if (data == size_) break;
      KILN_TRY_ASSIGN(const auto hole, seek(data, SEEK_HOLE));
      map.add(hole - data, false);
    }
    return map.take();
  }

  Result<void> read(std::uint64_t offset, MutableBytes buffer) override {
    return pread_exactly(file_.get(), buffer, offset, path_);
  }

 private:
  [[nodiscard]] Result<std::uint64_t> seek(std::uint64_t from, int what) const {
    const auto found = ::lseek(file_.get(), static_cast<off_t>(from), what);
    if (found >= 0) return std::min(static_cast<std::uint64_t>(found), size_);
    if (errno == ENXIO) return size_;                              // no data from there to the end
    if (errno == EINVAL) return what == SEEK_DATA ? from : size_;  // a file system without holes
    return fail(ErrorKind::kIo,
                "Disk:SeekData",
                "cannot find the holes of {}: {}",
                path_.string(),
                strerror(errno));
  }

  UniqueFd file_;
  std::filesystem::path path_;
  std::uint64_t size_;
};

}  // namespace

Result<std::unique_ptr<BlockSource>> open_raw_source(const std::filesystem::path& path,
                                                     std::uint64_t size) {
  KILN_TRY_ASSIGN(auto file, open_read_only(path));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0 || static_cast<std::uint64_t>(status.st_size) < size) {
    return fail(ErrorKind::kCorruptImage,
                "Disk:TruncatedImage",
                "{} is shorter than the disk's {} bytes",
                path.string(),
                size);
  }
  // Reads are large and skip the holes, into which reading ahead would only put zeros.
  ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_RANDOM);
  return std::unique_ptr<BlockSource>(std::make_unique<RawSource>(std::move(file), path, size));
}

}  // namespace kiln
