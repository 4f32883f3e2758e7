#include "engine/core/temp_dir.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

namespace kiln {

Result<TempDir> TempDir::create(const std::filesystem::path& parent) {
  std::error_code error;
  const auto base = parent.empty() ? std::filesystem::temp_directory_path(error) : parent;
  if (error) {
    return fail(ErrorKind::kHostNotReady,
                "File:NoTempDir",
                "there is no folder for temporary files: {}",
                error.message())
        .cure("set TMPDIR to a folder that exists");
  }
  auto name = (base / "kiln-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    return fail(ErrorKind::kIo,
                "File:MakeTempDir",
                "cannot create a temporary folder in {}: {}",
                base.string(),
                strerror(errno));
  }
  return TempDir(name);
}

TempDir& TempDir::operator=(TempDir&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

TempDir::~TempDir() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace kiln
