#include "engine/sandbox/micro/micro_cache.h"

#include <chrono>
#include <sys/stat.h>

#include "engine/core/digest.h"
#include "engine/core/file.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kKeyLength = 16;
constexpr auto kKeptUnused = std::chrono::hours(24 * 7);

}  // namespace

Result<fs::path> micro_cache(const fs::path& cache_folder) {
  std::error_code error;
  auto folder = fs::absolute(cache_folder, error) / "micro";
  KILN_TRY(make_directories(folder));
  return folder;
}

std::string file_identity(const fs::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return path.string() + " absent\n";
  return fmt::format("{} {} {} {}\n", path.string(), info.st_size, info.st_mtime, info.st_ino);
}

std::string micro_key(const std::string& text) {
  return sha256_hex(text).substr(0, kKeyLength);
}

bool renew(const fs::path& path) {
  std::error_code error;
  fs::last_write_time(path, fs::file_time_type::clock::now(), error);
  return !error;
}

void remove_unused(const fs::path& folder) {
  std::error_code error;
  const auto oldest = fs::file_time_type::clock::now() - kKeptUnused;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    std::error_code ignored;
    if (fs::last_write_time(entry.path(), ignored) < oldest && !ignored) {
      fs::remove(entry.path(), ignored);
    }
  }
}

}  // namespace kiln
