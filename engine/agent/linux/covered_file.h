#pragma once

#include <string>
#include <string_view>

namespace kiln::agent {

/// Other contents over a file of the system's, by a mount: the file itself stays as it is, and one
/// that was not there is gone again afterwards.
class CoveredFile {
 public:
  CoveredFile() = default;
  CoveredFile(const CoveredFile&) = delete;
  CoveredFile& operator=(const CoveredFile&) = delete;
  ~CoveredFile() { uncover(); }

  /// @return an empty string, or what failed
  std::string cover(const std::string& path, std::string_view contents);
  void uncover();

 private:
  std::string path_;  ///< empty where nothing is mounted
  bool made_ = false;
};

}  // namespace kiln::agent
