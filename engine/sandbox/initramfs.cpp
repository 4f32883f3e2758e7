#include "engine/sandbox/initramfs.h"

#include <archive_entry.h>

namespace kiln {
namespace {

extern "C" la_ssize_t append_to_image(archive* /*writer*/,
                                      void* image,
                                      const void* data,
                                      std::size_t size) {
  static_cast<std::string*>(image)->append(static_cast<const char*>(data), size);
  return static_cast<la_ssize_t>(size);
}

}  // namespace

Initramfs::Initramfs() : writer_(archive_write_new()) {
  KILN_CHECK(writer_);
  // Neither can fail on a new archive that writes into memory.
  archive_write_set_format_cpio_newc(writer_.get());
  archive_write_open(writer_.get(), &image_, nullptr, append_to_image, nullptr);
}

Error Initramfs::failure() const {
  const char* reason = archive_error_string(writer_.get());
  return fail(ErrorKind::kInternal,
              "Sandbox:Initramfs",
              "cannot make an initramfs: {}",
              reason != nullptr ? reason : "out of memory");
}

Result<void> Initramfs::add_entry(const std::string& path,
                                  unsigned type,
                                  unsigned mode,
                                  std::string_view contents) {
  const CHandle<archive_entry, archive_entry_free> entry(archive_entry_new());
  if (!entry) return failure();
  archive_entry_set_pathname(entry.get(), path.c_str());
  archive_entry_set_filetype(entry.get(), type);
  archive_entry_set_perm(entry.get(), mode);
  const bool link = type == AE_IFLNK;
  if (link) archive_entry_set_symlink(entry.get(), std::string(contents).c_str());
  if (link) contents = {};
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(contents.size()));
  if (archive_write_header(writer_.get(), entry.get()) != ARCHIVE_OK ||
      archive_write_data(writer_.get(), contents.data(), contents.size()) !=
          static_cast<la_ssize_t>(contents.size())) {
    return failure();
  }
  return {};
}

Result<void> Initramfs::add_folders(const std::string& path) {
  for (auto end = path.find('/'); end != std::string::npos; end = path.find('/', end + 1)) {
    auto folder = path.substr(0, end);
    if (folders_.contains(folder)) continue;
    KILN_TRY(add_entry(folder, AE_IFDIR, 0755, {}));
    folders_.insert(std::move(folder));
  }
  return {};
}

Result<void> Initramfs::add_file(const std::string& path,
                                 std::string_view contents,
                                 unsigned mode) {
  KILN_TRY(add_folders(path));
  return add_entry(path, AE_IFREG, mode, contents);
}

Result<void> Initramfs::add_link(const std::string& path, const std::string& target) {
  KILN_TRY(add_folders(path));
  return add_entry(path, AE_IFLNK, 0777, target);
}

Result<std::string> Initramfs::finish() {
  if (archive_write_close(writer_.get()) != ARCHIVE_OK) return failure();
  return std::move(image_);
}

}  // namespace kiln
