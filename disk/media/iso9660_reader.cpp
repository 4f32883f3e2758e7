#include <algorithm>
#include <optional>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "disk/media/file_systems.h"
#include "engine/core/c_handle.h"

namespace kiln {
namespace {

using Archive = CHandle<archive, archive_read_free>;

/// libarchive is told of every file anew for each one that is read; that takes milliseconds.
class Iso9660Reader : public MediaReader {
 public:
  Iso9660Reader(UniqueFd image, std::filesystem::path path)
      : image_(std::move(image)), path_(std::move(path)) {}

  Result<void> list() {
    KILN_TRY_ASSIGN(const auto disc, open());
    while (true) {
      KILN_TRY_ASSIGN(auto* const entry, next(*disc));
      if (entry == nullptr) return {};
      KILN_TRY(add(entry));
    }
  }

  [[nodiscard]] std::string_view file_system() const override { return "ISO 9660"; }
  [[nodiscard]] const MediaFiles& files() const override { return files_; }

  Result<void> read(const MediaFile& file,
                    std::uint64_t offset,
                    std::uint64_t size,
                    const MediaSink& sink) override {
    KILN_TRY_ASSIGN(const auto disc, open());
    while (true) {
      KILN_TRY_ASSIGN(auto* const entry, next(*disc));
      if (entry == nullptr) return damaged_media(path_, file.stored + " is gone");
      const auto path = path_of(entry);
      if (path && *path == file.stored && archive_entry_hardlink(entry) == nullptr) break;
    }
    return read_entry(*disc, offset, offset + size, sink);
  }

 private:
  Result<Archive> open() {
    Archive disc(archive_read_new());
    KILN_CHECK(disc);
    constexpr std::size_t kBlock = 256 * kKiB;
    if (::lseek(image_.get(), 0, SEEK_SET) != 0 ||
        archive_read_support_format_iso9660(disc.get()) != ARCHIVE_OK ||
        archive_read_open_fd(disc.get(), image_.get(), kBlock) != ARCHIVE_OK) {
      return failure(*disc);
    }
    return disc;
  }

  [[nodiscard]] Error failure(archive& disc) const {
    const char* reason = archive_error_string(&disc);
    return damaged_media(path_, reason != nullptr ? reason : "it cannot be read");
  }

  /// Null at the end.
  Result<archive_entry*> next(archive& disc) const {
    archive_entry* entry = nullptr;
    const int status = archive_read_next_header(&disc, &entry);
    if (status == ARCHIVE_EOF) return nullptr;
    // A warning is about a name or a time that cannot be told; the entry is good.
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return failure(disc);
    return entry;
  }

  static std::optional<std::string> path_of(archive_entry* entry) {
    const char* path = archive_entry_pathname_utf8(entry);
    if (path == nullptr) path = archive_entry_pathname(entry);
    if (path == nullptr || *path == '\0') return std::nullopt;
    return path;
  }

  Result<void> add(archive_entry* entry) {
    if (archive_entry_filetype(entry) != AE_IFREG) return {};
    auto path = path_of(entry);
    if (!path) return {};
    if (++seen_ > kMostMediaFiles || path->size() > kLongestMediaPath) {
      return too_many_media_files(path_);
    }
    MediaFile file{static_cast<std::uint64_t>(std::max<la_int64_t>(archive_entry_size(entry), 0)),
                   *path};
    // Two names for the same sectors: the second one comes as a link to the first.
    if (const char* first = archive_entry_hardlink(entry)) {
      const auto found = files_.find(first);
      if (found == files_.end()) return {};
      file = found->second;
    }
    files_.emplace(*std::move(path), std::move(file));
    return {};
  }

  Result<void> read_entry(archive& disc,
                          std::uint64_t from,
                          std::uint64_t to,
                          const MediaSink& sink) const {
    while (true) {
      const void* data = nullptr;
      std::size_t size = 0;
      la_int64_t place = 0;
      const int status = archive_read_data_block(&disc, &data, &size, &place);
      const auto start = static_cast<std::uint64_t>(place);
      if (status == ARCHIVE_EOF || start >= to) return {};
      if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return failure(disc);
      const auto skipped = from > start ? from - start : 0;
      if (skipped >= size) continue;
      const auto wanted = std::min<std::uint64_t>(size, to - start) - skipped;
      KILN_TRY(sink(Bytes(static_cast<const std::byte*>(data) + skipped, wanted)));
    }
  }

  UniqueFd image_;
  std::filesystem::path path_;
  MediaFiles files_;
  std::size_t seen_ = 0;
};

}  // namespace

Result<std::unique_ptr<MediaReader>> open_iso9660(UniqueFd image,
                                                  const std::filesystem::path& path) {
  auto reader = std::make_unique<Iso9660Reader>(std::move(image), path);
  KILN_TRY(reader->list());
  return reader;
}

}  // namespace kiln
