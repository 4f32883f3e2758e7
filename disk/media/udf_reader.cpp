#include <algorithm>
#include <cerrno>
#include <udfread/blockinput.h>
#include <udfread/udfread.h>
#include <unistd.h>
#include <vector>

#include "disk/media/file_systems.h"
#include "engine/core/c_handle.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

using Volume = CHandle<udfread, udfread_close>;
using Folder = CHandle<UDFDIR, udfread_closedir>;
using File = CHandle<UDFFILE, udfread_file_close>;

/// libudfread keeps a pointer to it, and closes nothing.
struct BlockInput : udfread_block_input {
  int image = -1;
};

extern "C" int read_blocks(
    udfread_block_input* input, std::uint32_t first, void* buffer, std::uint32_t count, int) {
  const auto wanted = static_cast<std::size_t>(count) * UDF_BLOCK_SIZE;
  std::size_t done = 0;
  while (done < wanted) {
    const auto got = ::pread(static_cast<BlockInput*>(input)->image,
                             static_cast<char*>(buffer) + done,
                             wanted - done,
                             static_cast<off_t>(first) * UDF_BLOCK_SIZE + static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  return static_cast<int>(done / UDF_BLOCK_SIZE);
}

class UdfReader : public MediaReader {
 public:
  UdfReader(UniqueFd image, std::filesystem::path path)
      : image_(std::move(image)), path_(std::move(path)) {
    input_.close = nullptr;
    input_.read = read_blocks;
    input_.size = nullptr;
    input_.image = image_.get();
  }

  Result<void> open() {
    volume_.reset(udfread_init());
    KILN_CHECK(volume_);
    if (udfread_open_input(volume_.get(), &input_) < 0) {
      return damaged_media(path_, "its UDF file system cannot be read");
    }
    return list("", 0);
  }

  [[nodiscard]] std::string_view file_system() const override { return "UDF"; }
  [[nodiscard]] const MediaFiles& files() const override { return files_; }

  Result<void> read(const MediaFile& file,
                    std::uint64_t offset,
                    std::uint64_t size,
                    const MediaSink& sink) override {
    const File open(udfread_file_open(volume_.get(), ("/" + file.stored).c_str()));
    const auto seek = static_cast<std::int64_t>(std::min(offset, file.size));
    if (!open || udfread_file_seek(open.get(), seek, UDF_SEEK_SET) != seek) {
      return damaged_media(path_, file.stored + " cannot be opened");
    }
    std::vector<std::byte> buffer(256 * kKiB);
    for (auto left = size; left > 0;) {
      const auto got = udfread_file_read(
          open.get(), buffer.data(), std::min<std::uint64_t>(left, buffer.size()));
      if (got < 0) return damaged_media(path_, file.stored + " cannot be read");
      if (got == 0) return {};
      KILN_TRY(sink(Bytes(buffer).first(static_cast<std::size_t>(got))));
      left -= static_cast<std::uint64_t>(got);
    }
    return {};
  }

 private:
  /// Folders may contain themselves on a disc that means harm, so the depth is bounded.
  Result<void> list(const std::string& path, int depth) {
    const Folder folder(udfread_opendir(volume_.get(), ("/" + path).c_str()));
    if (!folder) return damaged_media(path_, "the folder /" + path + " cannot be read");
    udfread_dirent entry{};
    while (udfread_readdir(folder.get(), &entry) != nullptr) {
      const std::string_view name = entry.d_name;
      if (name.empty() || name == "." || name == "..") continue;
      // libudfread tells names in messages of its own, straight to the terminal.
      if (printable(name, kLongestMediaPath) != name) continue;
      const auto child = path.empty() ? std::string(name) : path + "/" + std::string(name);
      if (++seen_ > kMostMediaFiles || depth > kDeepestMediaFolder ||
          child.size() > kLongestMediaPath) {
        return too_many_media_files(path_);
      }
      if (entry.d_type == UDF_DT_DIR) {
        KILN_TRY(list(child, depth + 1));
      } else if (entry.d_type == UDF_DT_REG) {
        KILN_TRY(add(*folder, entry.d_name, child));
      }
    }
    return {};
  }

  Result<void> add(UDFDIR& folder, const char* name, const std::string& path) {
    const File file(udfread_file_openat(&folder, name));
    const auto size = file ? udfread_file_size(file.get()) : -1;
    if (size < 0) return damaged_media(path_, path + " cannot be opened");
    files_.emplace(path, MediaFile{static_cast<std::uint64_t>(size), path});
    return {};
  }

  UniqueFd image_;
  std::filesystem::path path_;
  BlockInput input_{};
  Volume volume_;
  MediaFiles files_;
  std::size_t seen_ = 0;
};

}  // namespace

Result<std::unique_ptr<MediaReader>> open_udf(UniqueFd image, const std::filesystem::path& path) {
  auto reader = std::make_unique<UdfReader>(std::move(image), path);
  KILN_TRY(reader->open());
  return reader;
}

}  // namespace kiln
