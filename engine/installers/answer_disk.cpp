#include "engine/installers/answer_disk.h"

#include <archive.h>
#include <archive_entry.h>

#include "engine/core/c_handle.h"

namespace kiln {
namespace {

Error failure(archive& disk, const std::filesystem::path& target) {
  const char* reason = archive_error_string(&disk);
  return fail(ErrorKind::kIo,
              "Installer:AnswerDisk",
              "cannot write {}: {}",
              target.string(),
              reason != nullptr ? reason : "out of memory");
}

}  // namespace

Result<void> write_answer_disk(const std::vector<AnswerFile>& files,
                               const std::string& label,
                               const std::filesystem::path& target) {
  const CHandle<archive, archive_write_free> disk(archive_write_new());
  KILN_CHECK(disk);
  if (archive_write_set_format_iso9660(disk.get()) != ARCHIVE_OK ||
      archive_write_set_option(disk.get(), "iso9660", "volume-id", label.c_str()) != ARCHIVE_OK ||
      archive_write_open_filename(disk.get(), target.c_str()) != ARCHIVE_OK) {
    return failure(*disk, target);
  }
  for (const auto& file : files) {
    const CHandle<archive_entry, archive_entry_free> entry(archive_entry_new());
    archive_entry_set_pathname(entry.get(), file.name.c_str());
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0644);
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(file.text.size()));
    if (archive_write_header(disk.get(), entry.get()) != ARCHIVE_OK ||
        archive_write_data(disk.get(), file.text.data(), file.text.size()) !=
            static_cast<la_ssize_t>(file.text.size())) {
      return failure(*disk, target);
    }
  }
  if (archive_write_close(disk.get()) != ARCHIVE_OK) return failure(*disk, target);
  return {};
}

}  // namespace kiln
