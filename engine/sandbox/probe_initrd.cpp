#include "engine/sandbox/probe_initrd.h"

#include <archive.h>
#include <archive_entry.h>

#include "engine/core/bytes.h"
#include "engine/core/c_handle.h"

namespace kiln {
namespace {

Error archive_failure(archive* writer) {
  const char* reason = archive_error_string(writer);
  return fail(ErrorKind::kInternal,
              "Sandbox:ProbeInitrd",
              "cannot make the initramfs of the acceleration probe: {}",
              reason != nullptr ? reason : "out of memory");
}

}  // namespace

Result<std::string> make_probe_initrd(std::string_view init) {
  // Header, name and trailer take a few hundred bytes, padding up to a block of 10 KiB.
  std::string image(init.size() + 64 * kKiB, '\0');
  std::size_t used = 0;
  const CHandle<archive, archive_write_free> writer(archive_write_new());
  const CHandle<archive_entry, archive_entry_free> entry(archive_entry_new());
  if (!writer || !entry) return archive_failure(writer.get());
  archive_entry_set_pathname(entry.get(), "init");
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0755);
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(init.size()));
  if (archive_write_set_format_cpio_newc(writer.get()) != ARCHIVE_OK ||
      archive_write_open_memory(writer.get(), image.data(), image.size(), &used) != ARCHIVE_OK ||
      archive_write_header(writer.get(), entry.get()) != ARCHIVE_OK ||
      archive_write_data(writer.get(), init.data(), init.size()) !=
          static_cast<la_ssize_t>(init.size()) ||
      archive_write_close(writer.get()) != ARCHIVE_OK) {
    return archive_failure(writer.get());
  }
  image.resize(used);
  return image;
}

}  // namespace kiln
