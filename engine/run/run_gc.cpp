#include "engine/run/run_gc.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "engine/core/file.h"
#include "engine/core/json.h"
#include "engine/core/text.h"
#include "engine/core/unique_fd.h"
#include "engine/run/run_folder.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

std::uint64_t allocated_bytes(const fs::path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_blocks) * 512
                                             : 0;
}

}  // namespace

std::uint64_t allocated_below(const fs::path& folder) {
  std::error_code error;
  std::uint64_t bytes = allocated_bytes(folder);
  for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
    bytes += allocated_bytes(entry.path());
  }
  return bytes;
}

namespace {

class Collector {
 public:
  explicit Collector(const GcOptions& options) : options_(options) {}

  Result<void> visit(const fs::path& folder) {
    auto adopted = RunFolder::adopt(folder);
    if (!adopted) {
      if (adopted.error().code() == "Run:Alive") return {};
      return std::move(adopted).error();
    }
    auto text = read_file(folder / "run.json");
    if (!text) return remove(folder);  // died before its first record: nothing worth reading
    auto record = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
    if (!record.is_object()) return remove(folder);
    const auto state = record.value("/lastRunStatus/runState"_json_pointer, std::string());
    if (state == "Running") KILN_TRY(end_interrupted(folder, record));
    KILN_TRY(remove(folder / "work"));
    bool keeps = false;
    for (const auto* part : {"kept", "finished"}) {
      if (record.contains(part) && !options_.kept) {
        report_.kept.push_back({folder / part, allocated_below(folder / part)});
        keeps = true;
      } else {
        KILN_TRY(forget(part, folder, record));
      }
    }
    if (keeps) return {};
    KILN_TRY(remove(folder / "journals"));
    return is_old(folder / "run.json") ? remove(folder) : Result<void>();
  }

  /// Of a `kiln upload`, which has no run. One that is going on has its lock.
  Result<void> visit_journal(const fs::path& path) {
    if (options_.kept || is_old(path)) return remove_unless_written(path);
    report_.kept.push_back({path, allocated_bytes(path)});
    return {};
  }

  GcReport take() { return std::move(report_); }

 private:
  Result<void> end_interrupted(const fs::path& folder, nlohmann::json& record) {
    report_.interrupted.push_back(folder.filename().string());
    for (const auto& file : record.value("partialFiles", nlohmann::json::array())) {
      if (file.is_string()) KILN_TRY(remove_unless_written(file.get<std::string>()));
    }
    if (options_.dry_run) return {};
    auto& status = record["lastRunStatus"];
    status["runState"] = "Failed";
    status["endTime"] = format_time(std::chrono::system_clock::now());
    status["message"] = "interrupted: the process ended without finishing the run";
    record["partialFiles"] = nlohmann::json::array();
    std::error_code ignored;
    for (const char* log : {"console.log", "installer.log"}) {
      fs::rename(folder / "work" / log, folder / log, ignored);
    }
    return write_file_atomic(folder / "run.json", dump_json(record, 2) + "\n");
  }

  /// Also what was moved there by a run that died before it could say so.
  Result<void> forget(const char* part, const fs::path& folder, nlohmann::json& record) {
    KILN_TRY(remove(folder / part));
    if (options_.dry_run || record.erase(part) == 0) return {};
    return write_file_atomic(folder / "run.json", dump_json(record, 2) + "\n");
  }

  /// Another run may have taken the file over; then it holds its lock.
  Result<void> remove_unless_written(const fs::path& path) {
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (file && ::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return {};
    return remove(path);
  }

  bool is_old(const fs::path& file) const {
    if (!options_.older_than) return false;
    std::error_code error;
    const auto written = fs::last_write_time(file, error);
    return !error && fs::file_time_type::clock::now() - written > *options_.older_than;
  }

  Result<void> remove(const fs::path& path) {
    std::error_code error;
    if (!fs::exists(fs::symlink_status(path, error))) return {};
    const auto bytes = allocated_below(path);
    error.clear();
    if (!options_.dry_run) fs::remove_all(path, error);
    if (error) {
      return fail(
          ErrorKind::kIo, "Run:Remove", "cannot remove {}: {}", path.string(), error.message());
    }
    report_.bytes += bytes;
    report_.removed.push_back(path);
    return {};
  }

  const GcOptions& options_;
  GcReport report_;
};

}  // namespace

Result<GcReport> collect_garbage(const fs::path& state_folder, const GcOptions& options) {
  KILN_TRY_ASSIGN(const auto folders, list_run_folders(state_folder));
  Collector collector(options);
  for (const auto& folder : folders) KILN_TRY(collector.visit(folder));
  std::error_code none;
  std::vector<fs::path> journals;
  for (const auto& file : fs::directory_iterator(state_folder / "uploads", none)) {
    journals.push_back(file.path());
  }
  for (const auto& journal : journals) KILN_TRY(collector.visit_journal(journal));
  return collector.take();
}

}  // namespace kiln
