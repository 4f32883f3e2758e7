#include "disk/media/write_media.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include <archive.h>
#include <archive_entry.h>

#include "engine/core/c_handle.h"

namespace kiln {
namespace {

using Writer = CHandle<archive, archive_write_free>;
using Walker = CHandle<archive, archive_read_free>;

/// ECMA-119: 32 characters.
std::string volume_identifier(const std::string& label) {
  constexpr std::size_t kLongest = 32;
  auto id = label.substr(0, kLongest);
  std::replace_if(
      id.begin(),
      id.end(),
      [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-' && c != '.' && c != ' ';
      },
      '_');
  return id;
}

Error failure(archive& from, const std::filesystem::path& target) {
  const char* reason = archive_error_string(&from);
  return fail(ErrorKind::kIo,
              "Media:Write",
              "cannot write {}: {}",
              target.string(),
              reason != nullptr ? reason : "out of memory")
      .cure("look whether there is room for it, and whether the folder's files can be read");
}

/// The disc's name of what lies at `path`; nothing for the folder itself.
std::optional<std::string> name_below(const std::filesystem::path& folder, const char* path) {
  const auto name = std::filesystem::path(path).lexically_relative(folder).string();
  if (name.empty() || name == ".") return std::nullopt;
  return name;
}

Result<void> copy_contents(archive& walker,
                           archive& disc,
                           const std::filesystem::path& target,
                           const CancelToken& cancel) {
  while (true) {
    KILN_TRY(cancel.check());
    const void* data = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    const int status = archive_read_data_block(&walker, &data, &size, &offset);
    if (status == ARCHIVE_EOF) return {};
    if (status != ARCHIVE_OK) return failure(walker, target);
    if (archive_write_data(&disc, data, size) < 0) return failure(disc, target);
  }
}

Result<void> add_all(archive& walker,
                     archive& disc,
                     const std::filesystem::path& folder,
                     const std::filesystem::path& target,
                     const CancelToken& cancel) {
  const CHandle<archive_entry, archive_entry_free> entry(archive_entry_new());
  while (true) {
    archive_entry_clear(entry.get());
    const int status = archive_read_next_header2(&walker, entry.get());
    if (status == ARCHIVE_EOF) return {};
    if (status != ARCHIVE_OK) return failure(walker, target);
    archive_read_disk_descend(&walker);
    const auto name = name_below(folder, archive_entry_pathname(entry.get()));
    const auto type = archive_entry_filetype(entry.get());
    const bool fits = type == AE_IFREG || type == AE_IFDIR || type == AE_IFLNK;
    if (!name || !fits) continue;
    archive_entry_set_pathname(entry.get(), name->c_str());
    if (archive_write_header(&disc, entry.get()) != ARCHIVE_OK) return failure(disc, target);
    if (type == AE_IFREG) KILN_TRY(copy_contents(walker, disc, target, cancel));
  }
}

}  // namespace

Result<void> write_media(const std::filesystem::path& folder,
                         const std::string& label,
                         const std::filesystem::path& target,
                         const CancelToken& cancel) {
  const Writer disc(archive_write_new());
  const Walker walker(archive_read_disk_new());
  KILN_CHECK(disc && walker);
  const auto id = volume_identifier(label);
  if (archive_write_set_format_iso9660(disc.get()) != ARCHIVE_OK ||
      archive_write_set_option(disc.get(), "iso9660", "volume-id", id.c_str()) != ARCHIVE_OK ||
      archive_write_open_filename(disc.get(), target.c_str()) != ARCHIVE_OK) {
    return failure(*disc, target);
  }
  archive_read_disk_set_symlink_physical(walker.get());
  if (archive_read_disk_open(walker.get(), folder.c_str()) != ARCHIVE_OK) {
    return failure(*walker, target);
  }
  KILN_TRY(add_all(*walker, *disc, folder, target, cancel));
  if (archive_write_close(disc.get()) != ARCHIVE_OK) return failure(*disc, target);
  return {};
}

}  // namespace kiln
