#pragma once

#include <map>
#include <string>

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

#include "engine/core/c_handle.h"
#include "engine/core/file.h"

namespace kiln::test {

/// Writes an ISO 9660 image with these files.
/// @param options of libarchive's writer, e.g. `boot=boot.img`
inline void write_iso(const std::filesystem::path& path,
                      const std::map<std::string, std::string>& files,
                      const std::string& options = {}) {
  const CHandle<archive, archive_write_free> writer(archive_write_new());
  archive_write_set_format_iso9660(writer.get());
  if (!options.empty()) {
    ASSERT_EQ(archive_write_set_options(writer.get(), options.c_str()), ARCHIVE_OK)
        << archive_error_string(writer.get());
  }
  ASSERT_EQ(archive_write_open_filename(writer.get(), path.c_str()), ARCHIVE_OK);
  for (const auto& [name, contents] : files) {
    const CHandle<archive_entry, archive_entry_free> entry(archive_entry_new());
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0644);
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(contents.size()));
    ASSERT_EQ(archive_write_header(writer.get(), entry.get()), ARCHIVE_OK);
    ASSERT_EQ(archive_write_data(writer.get(), contents.data(), contents.size()),
              static_cast<la_ssize_t>(contents.size()));
  }
  ASSERT_EQ(archive_write_close(writer.get()), ARCHIVE_OK) << archive_error_string(writer.get());
}

}  // namespace kiln::test
