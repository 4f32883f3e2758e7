#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/core/result.h"
#include "engine/core/unique_fd.h"

namespace kiln {

/// `STATE/runs/<id>/`: everything that a run leaves to be read afterwards, and `work/`, which does
/// not outlive it.
///
///     run.json            status, outputs, phases, inputs by digest
///     template.json       the template as it was read
///     events.jsonl        every event, one JSON object a line
///     customization.log   the layout of AIB's log
///     validation.log      the same of the validators, where there are any
///     steps/<id>.log      the output of one step
///     console.log         the sandbox's kernel messages
///     installer.log       what an installer wrote to the second serial port
///     inputs/<sha256>     what the steps fetched
///     kept/               the disk of a failed build that was to be kept
///     finished/           the disk of a build that is not distributed yet, or not everywhere
///     journals/           what uploads of it were acknowledged, for them to go on
///     work/               overlay and sockets; gone when the run ends
///     lock                held (flock) while the run's process lives
class RunFolder {
 public:
  /// Makes a new run with an id that sorts by time, and takes its lock.
  static Result<RunFolder> create(const std::filesystem::path& state_folder);
  /// Takes the lock of an existing run; fails with Run:Alive while another process holds it.
  static Result<RunFolder> adopt(const std::filesystem::path& folder);

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path record() const { return path_ / "run.json"; }
  [[nodiscard]] std::filesystem::path work() const { return path_ / "work"; }
  [[nodiscard]] std::filesystem::path kept() const { return path_ / "kept"; }
  [[nodiscard]] std::filesystem::path finished() const { return path_ / "finished"; }
  [[nodiscard]] std::filesystem::path journals() const { return path_ / "journals"; }
  [[nodiscard]] std::filesystem::path inputs() const { return path_ / "inputs"; }

 private:
  RunFolder(std::filesystem::path path, UniqueFd lock)
      : id_(path.filename().string()), path_(std::move(path)), lock_(std::move(lock)) {}
  std::string id_;
  std::filesystem::path path_;
  UniqueFd lock_;
};

/// True while the process of that run lives.
bool run_is_alive(const std::filesystem::path& folder);

/// Run folders, oldest first.
Result<std::vector<std::filesystem::path>> list_run_folders(
    const std::filesystem::path& state_folder);

/// Finds a run by its id or an unambiguous beginning of it; `latest` is the newest.
Result<std::filesystem::path> find_run_folder(const std::filesystem::path& state_folder,
                                              const std::string& id);

}  // namespace kiln
