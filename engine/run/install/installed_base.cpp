#include "engine/run/install/installed_base.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "engine/core/digest.h"
#include "engine/core/file.h"
#include "engine/core/json.h"
#include "engine/core/unique_fd.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

/// Grows whenever the same ISO and answers give another disk than before.
constexpr int kInstallFormat = 1;

std::string name_of(const BaseIdentity& identity) {
  return sha256_hex(dump_json({{"format", kInstallFormat},
                               {"iso", identity.iso_sha256},
                               {"answers", sha256_hex(identity.answers)},
                               {"generation", identity.generation},
                               {"diskBytes", identity.disk_bytes},
                               {"media", identity.media}}));
}

Error cannot(const char* what, const fs::path& path) {
  return fail(ErrorKind::kIo,
              "Run:InstalledBase",
              "cannot {} {}: {}",
              what,
              path.string(),
              strerror(errno));
}

bool is_still(const fs::path& path, int file) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(file, &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
         opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

/// Waits for whoever installs the same.
Result<UniqueFd> lock(const fs::path& path, EventSink& events, const CancelToken& cancel) {
  constexpr auto kLookEvery = std::chrono::milliseconds(200);
  bool told = false;
  while (true) {
    UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file) return cannot("create", path);
    while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return cannot("lock", path);
      if (!std::exchange(told, true)) {
        notice(events, "another build installs the same system; waiting for it");
      }
      KILN_TRY(cancel.check());
      std::this_thread::sleep_for(kLookEvery);
    }
    // Who had the lock has renamed or removed the file.
    if (is_still(path, file.get())) return file;
  }
}

/// True where the base is there; it counts as used now. The time of its last change stays, by which
/// disks over it know it.
bool touch(const fs::path& path) {
  const std::array<timespec, 2> times = {timespec{0, UTIME_NOW}, timespec{0, UTIME_OMIT}};
  return ::utimensat(AT_FDCWD, path.c_str(), times.data(), 0) == 0;
}

}  // namespace

fs::path InstalledBases::path_of(const BaseIdentity& identity) const {
  return folder_ / (name_of(identity) + ".qcow2");
}

fs::path InstalledBases::partial_path_of(const BaseIdentity& identity) const {
  return folder_ / (name_of(identity) + ".partial");
}

Result<fs::path> InstalledBases::obtain(const BaseIdentity& identity,
                                        bool reinstall,
                                        const Install& install,
                                        EventSink& events,
                                        const CancelToken& cancel) const {
  const auto base = path_of(identity);
  if (!reinstall && touch(base)) return base;
  KILN_TRY(make_directories(folder_));
  const auto partial = partial_path_of(identity);
  KILN_TRY_ASSIGN(const auto file, lock(partial, events, cancel));
  if (!reinstall && touch(base)) {
    ::unlink(partial.c_str());
    return base;
  }
  auto finish = [&]() -> Result<void> {
    KILN_TRY(install(partial));
    // It is kept for good, and nothing will look into it before it is used.
    if (::fsync(file.get()) != 0 || ::fchmod(file.get(), 0444) != 0) return cannot("keep", partial);
    if (::rename(partial.c_str(), base.c_str()) != 0) return cannot("rename", partial);
    return {};
  };
  if (auto done = finish(); !done) {
    ::unlink(partial.c_str());
    return std::move(done).error();
  }
  return base;
}

}  // namespace kiln
