#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/core/result.h"

namespace kiln {

/// Read-only view of a guest's files. Paths are absolute in the guest; symbolic links are followed
/// inside the guest's root only.
class FileTree {
 public:
  virtual ~FileTree() = default;
  enum class Kind { kAbsent, kFile, kDirectory, kSymlink, kOther };
  /// Does not follow a final symbolic link.
  virtual Result<Kind> kind(const std::string& path) = 0;
  virtual Result<std::uint64_t> file_size(const std::string& path) = 0;
  /// Refuses a file larger than 4 MiB.
  virtual Result<std::string> read(const std::string& path) = 0;
  /// Names in a folder, sorted, without `.` and `..`; empty where the folder is absent.
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
  /// Shell wildcards; sorted.
  virtual Result<std::vector<std::string>> glob(const std::string& pattern) = 0;
  /// As many answers as there are patterns, in their order; where a question takes long, it is one.
  virtual Result<std::vector<std::vector<std::string>>> glob_each(
      const std::vector<std::string>& patterns);
};

/// A folder on the host seen as a guest's root, for tests.
std::unique_ptr<FileTree> host_file_tree(std::string root);

}  // namespace kiln
