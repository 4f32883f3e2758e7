#pragma once

#include <set>
#include <string>
#include <string_view>

#include <archive.h>

#include "engine/core/c_handle.h"
#include "engine/core/result.h"

namespace kiln {

/// An initramfs: a cpio archive in the kernel's newc format, uncompressed, because unpacking under
/// emulation takes longer than reading.
class Initramfs {
 public:
  Initramfs();
  Initramfs(const Initramfs&) = delete;
  Initramfs& operator=(const Initramfs&) = delete;
  ~Initramfs() = default;

  /// @param path without a leading slash; its folders are added before it where they are missing
  Result<void> add_file(const std::string& path, std::string_view contents, unsigned mode);
  Result<void> add_link(const std::string& path, const std::string& target);
  /// Nothing may follow.
  Result<std::string> finish();

 private:
  Result<void> add_folders(const std::string& path);
  Result<void> add_entry(const std::string& path,
                         unsigned type,
                         unsigned mode,
                         std::string_view contents);
  [[nodiscard]] Error failure() const;

  std::string image_;
  std::set<std::string> folders_;
  CHandle<archive, archive_write_free> writer_;
};

}  // namespace kiln
