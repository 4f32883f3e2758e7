#include "engine/run/linked_disk.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/stat.h>

#include "disk/image/probe.h"
#include "engine/core/file.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

Result<std::string> state_of(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return fail(ErrorKind::kNotFound,
                "Run:SourceGone",
                "cannot read {}, over which the kept disk lies: {}",
                path.string(),
                strerror(errno))
        .cure("put the source image back in its place");
  }
  return fmt::format("{}:{}.{}", status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

/// A name that a damaged or forged record gives must not lead out of the folder.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos;
}

}  // namespace

Result<LinkedDisk> link_disk(const WorkDisk& disk, const fs::path& folder) {
  LinkedDisk linked{{}, disk.files().back(), {}};
  KILN_TRY_ASSIGN(linked.source_state, state_of(linked.source));
  KILN_TRY(make_directories(folder));
  for (const auto& file : disk.files()) {
    if (file == linked.source) continue;
    const auto name = file.filename();
    std::error_code error;
    fs::create_hard_link(file, folder / name, error);
    if (error) {
      return fail(ErrorKind::kIo, "Run:Keep", "cannot keep {}: {}", file.string(), error.message());
    }
    linked.overlays.push_back(name.string());
  }
  return linked;
}

Result<WorkDisk> open_linked_disk(const LinkedDisk& linked, const fs::path& folder) {
  KILN_TRY_ASSIGN(const auto state, state_of(linked.source));
  if (state != linked.source_state) {
    return fail(ErrorKind::kIo,
                "Run:SourceChanged",
                "{} was written since the run, and the kept disk fits only what it was",
                linked.source.string())
        .cure("restore the source image as it was, with its time of change, or build again");
  }
  KILN_TRY_ASSIGN(const auto source, probe_image(linked.source));
  std::vector<fs::path> overlays;
  for (const auto& name : linked.overlays) overlays.push_back(folder / name);
  return WorkDisk::reopen(source, overlays);
}

nlohmann::json to_json(const LinkedDisk& linked) {
  return {{"overlays", linked.overlays},
          {"source", {{"path", linked.source.string()}, {"state", linked.source_state}}}};
}

std::optional<LinkedDisk> linked_disk_of(const nlohmann::json& json) {
  LinkedDisk linked;
  try {
    linked.overlays = json.at("overlays").get<std::vector<std::string>>();
    linked.source = json.at("source").at("path").get<std::string>();
    linked.source_state = json.at("source").at("state").get<std::string>();
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
  const bool sound =
      !linked.overlays.empty() && std::ranges::all_of(linked.overlays, is_plain_name);
  return sound ? std::optional(std::move(linked)) : std::nullopt;
}

}  // namespace kiln
