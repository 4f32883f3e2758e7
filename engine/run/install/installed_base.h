#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "engine/core/cancel.h"
#include "engine/core/event.h"
#include "engine/core/result.h"

namespace kiln {

/// Everything that makes an installed system what it is.
struct BaseIdentity {
  std::string iso_sha256;
  std::string answers;     ///< their text
  std::string generation;  ///< `V1` or `V2`
  std::uint64_t disk_bytes = 0;
  std::vector<std::string> media;  ///< what media_contents gives of what else it was given
};

/// Systems that were installed from discs, in `CACHE/installed`, one file each: read-only, named by
/// its identity, last read (atime) when it was last used. Two builds that want the same one wait
/// for each other.
class InstalledBases {
 public:
  /// Installs into a new disk at the path that it is given.
  using Install = std::function<Result<void>(const std::filesystem::path& disk)>;

  explicit InstalledBases(const std::filesystem::path& cache_folder)
      : folder_(cache_folder / "installed") {}

  [[nodiscard]] std::filesystem::path path_of(const BaseIdentity& identity) const;
  /// What an installation that is killed leaves behind; locked (flock) while it goes on.
  [[nodiscard]] std::filesystem::path partial_path_of(const BaseIdentity& identity) const;

  /// The base, installed now where there is none, or where it is to be made anew.
  Result<std::filesystem::path> obtain(const BaseIdentity& identity,
                                       bool reinstall,
                                       const Install& install,
                                       EventSink& events,
                                       const CancelToken& cancel) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace kiln
