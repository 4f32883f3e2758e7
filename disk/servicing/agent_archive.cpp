#include "disk/servicing/agent_archive.h"

#include <archive.h>
#include <archive_entry.h>

#include "disk/servicing/agent_permissions.h"
#include "engine/core/c_handle.h"

namespace kiln {
namespace {

using Writer = CHandle<archive, archive_write_free>;

extern "C" la_ssize_t append_to_text(archive* /*writer*/,
                                     void* text,
                                     const void* data,
                                     std::size_t size) {
  static_cast<std::string*>(text)->append(static_cast<const char*>(data), size);
  return static_cast<la_ssize_t>(size);
}

Error failure(const Writer& writer) {
  const char* reason = writer ? archive_error_string(writer.get()) : nullptr;
  return fail(ErrorKind::kInternal,
              "Windows:Archive",
              "cannot make the archive with the agent: {}",
              reason != nullptr ? reason : "out of memory");
}

Result<void> add(const Writer& writer,
                 const std::string& path,
                 bool folder,
                 std::string_view contents) {
  const CHandle<archive_entry, archive_entry_free> entry(archive_entry_new());
  if (!entry) return failure(writer);
  const auto permissions = agent_permissions(folder);
  archive_entry_set_pathname(entry.get(), path.c_str());
  archive_entry_set_filetype(entry.get(), folder ? AE_IFDIR : AE_IFREG);
  archive_entry_set_perm(entry.get(), 0700);
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(contents.size()));
  archive_entry_xattr_add_entry(
      entry.get(), "system.ntfs_acl", permissions.data(), permissions.size());
  if (archive_write_header(writer.get(), entry.get()) != ARCHIVE_OK ||
      archive_write_data(writer.get(), contents.data(), contents.size()) !=
          static_cast<la_ssize_t>(contents.size())) {
    return failure(writer);
  }
  return {};
}

}  // namespace

Result<std::string> agent_archive(const std::string& folder,
                                  const std::string& program,
                                  std::string_view contents) {
  std::string text;
  const Writer writer(archive_write_new());
  if (!writer || archive_write_set_format_pax(writer.get()) != ARCHIVE_OK ||
      archive_write_open(writer.get(), &text, nullptr, append_to_text, nullptr) != ARCHIVE_OK) {
    return failure(writer);
  }
  KILN_TRY(add(writer, folder, true, {}));
  KILN_TRY(add(writer, folder + "/" + program, false, contents));
  if (archive_write_close(writer.get()) != ARCHIVE_OK) return failure(writer);
  return text;
}

}  // namespace kiln
