#include "engine/run/run_folder.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <random>
#include <sys/file.h>

#include <fmt/chrono.h>

#include "engine/core/file.h"

namespace kiln {
namespace {

/// With milliseconds, as a rebuild takes less than a second and the ids tell which run is the
/// later.
std::string new_id() {
  const auto now = std::chrono::system_clock::now();
  const auto of_second =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  return fmt::format("{:%Y%m%dT%H%M%S}{:03}Z-{:06x}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(now)),
                     of_second,
                     std::random_device{}() & 0xFFFFFF);
}

Result<UniqueFd> take_lock(const std::filesystem::path& folder) {
  const auto path = folder / "lock";
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) {
    return fail(ErrorKind::kIo, "Run:Lock", "cannot open {}: {}", path.string(), strerror(errno));
  }
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(ErrorKind::kIo,
                "Run:Alive",
                "the run {} is in use: it is still going on, or a shell is open in it",
                folder.filename().string())
        .cure("wait for its end, or leave that shell");
  }
  return file;
}

}  // namespace

Result<RunFolder> RunFolder::create(const std::filesystem::path& state_folder) {
  const auto path = state_folder / "runs" / new_id();
  KILN_TRY(make_directories(path / "steps"));
  KILN_TRY_ASSIGN(auto lock, take_lock(path));
  KILN_TRY(make_directories(path / "work"));
  KILN_TRY(make_directories(path / "inputs"));
  return RunFolder(path, std::move(lock));
}

Result<RunFolder> RunFolder::adopt(const std::filesystem::path& folder) {
  KILN_TRY_ASSIGN(auto lock, take_lock(folder));
  return RunFolder(folder, std::move(lock));
}

bool run_is_alive(const std::filesystem::path& folder) {
  const UniqueFd file(::open((folder / "lock").c_str(), O_RDONLY | O_CLOEXEC));
  return file && ::flock(file.get(), LOCK_SH | LOCK_NB) != 0;
}

Result<std::vector<std::filesystem::path>> list_run_folders(
    const std::filesystem::path& state_folder) {
  std::vector<std::filesystem::path> folders;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(state_folder / "runs", error)) {
    if (entry.is_directory(error)) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

Result<std::filesystem::path> find_run_folder(const std::filesystem::path& state_folder,
                                              const std::string& id) {
  KILN_TRY_ASSIGN(const auto folders, list_run_folders(state_folder));
  if (id == "latest" && !folders.empty()) return folders.back();
  std::vector<std::filesystem::path> found;
  for (const auto& folder : folders) {
    if (folder.filename().string().rfind(id, 0) == 0) found.push_back(folder);
  }
  if (found.size() == 1) return found.front();
  return fail(ErrorKind::kNotFound,
              found.empty() ? "Run:NotFound" : "Run:Ambiguous",
              "{} runs in {} have an id that starts with \"{}\"",
              found.empty() ? "no" : std::to_string(found.size()),
              state_folder.string(),
              id)
      .cure("`kiln runs list` shows the ids; `latest` names the newest run");
}

}  // namespace kiln
