#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "disk/image/probe.h"
#include "disk/workspace/work_disk.h"
#include "engine/core/process_runner.h"

namespace kiln::test {

/// Where fixtures/ keeps what it made; a cache folder for sandboxes too, so that acceleration is
/// proved once.
inline std::filesystem::path fixtures_cache() {
  if (const char* chosen = std::getenv("KILN_FIXTURES_CACHE")) return chosen;
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home != nullptr ? home : "/root") / ".cache/kiln-fixtures";
}

/// A guest that fixtures/guests/make-guests.sh made and keeps. Its absence is an error, not a skip.
inline Result<std::filesystem::path> fixture_guest(const std::string& name) {
  auto path = fixtures_cache() / name;
  if (std::filesystem::exists(path)) return path;
  return fail(ErrorKind::kNotFound, "Test:NoGuest", "{} is missing", path.string())
      .cure("run fixtures/guests/make-guests.sh");
}

/// An overlay over a fixture guest.
struct FixtureOverlay {
  std::optional<std::uint64_t> virtual_size = std::nullopt;  ///< bytes, where it is larger
  std::string convert_to = {};  ///< a format of qemu-img's, if not as it is
};

inline Result<WorkDisk> fixture_disk(ProcessRunner& runner,
                                     const std::string& name,
                                     const std::filesystem::path& folder,
                                     const FixtureOverlay& wanted = {}) {
  KILN_TRY_ASSIGN(const auto guest, fixture_guest(name));
  KILN_TRY_ASSIGN(auto image, probe_image(guest));
  if (!wanted.convert_to.empty()) {
    const auto converted = folder / ("guest." + wanted.convert_to);
    Command command;
    command.argv = {
        "qemu-img", "convert", "-O", wanted.convert_to, qemu_node(image, true), converted.string()};
    KILN_TRY(run_checked(runner, command, {}));
    KILN_TRY_ASSIGN(image, probe_image(converted));
  }
  return WorkDisk::create(runner, image, folder / "overlay.qcow2", {}, wanted.virtual_size);
}

}  // namespace kiln::test
