#include "engine/run/kept_disk.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <sys/stat.h>

#include "disk/image/probe.h"
#include "engine/core/file.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

constexpr int kFormatVersion = 1;
constexpr std::array kFirmwares = {std::pair{Firmware::kAny, "any"},
                                   std::pair{Firmware::kBios, "bios"},
                                   std::pair{Firmware::kUefi, "uefi"}};

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

Error damaged(const std::string& run) {
  return fail(
             ErrorKind::kIo,
             "Run:DamagedRecord",
             "the record of the run {} does not tell what is kept in a way that this version reads",
             run)
      .cure("`kiln runs gc --kept` removes what is kept");
}

}  // namespace

Result<KeptDisk> keep_disk(const RunFolder& folder,
                           const WorkDisk& disk,
                           std::string sandbox,
                           const SandboxOptions& options,
                           bool clean) {
  KeptDisk kept{{}, disk.files().back(), {}, std::move(sandbox), options, clean};
  KILN_TRY_ASSIGN(kept.source_state, state_of(kept.source));
  KILN_TRY(make_directories(folder.kept()));
  for (const auto& file : disk.files()) {
    if (file == kept.source) continue;
    const auto name = file.filename();
    std::error_code error;
    fs::create_hard_link(file, folder.kept() / name, error);
    if (error) {
      return fail(ErrorKind::kIo, "Run:Keep", "cannot keep {}: {}", file.string(), error.message());
    }
    kept.overlays.push_back(name.string());
  }
  return kept;
}

nlohmann::json to_json(const KeptDisk& kept) {
  const auto* firmware = kFirmwares.front().second;
  for (const auto& [value, name] : kFirmwares) {
    if (value == kept.options.firmware) firmware = name;
  }
  return {{"formatVersion", kFormatVersion},
          {"overlays", kept.overlays},
          {"source", {{"path", kept.source.string()}, {"state", kept.source_state}}},
          {"sandbox", kept.sandbox},
          {"firmware", firmware},
          {"trustedLaunch", kept.options.trusted_launch},
          {"memoryMiB", kept.options.memory_mib},
          {"vcpus", kept.options.vcpus},
          {"clean", kept.clean}};
}

Result<KeptDisk> read_kept_disk(const nlohmann::json& record, const std::string& run) {
  if (!record.contains("kept")) {
    return fail(ErrorKind::kNotFound, "Run:NothingKept", "the run {} kept no disk", run)
        .cure(
            "build with --keep-on-failure, or write \"onCustomizerError\": \"abort\" and "
            "\"onValidationError\": \"abort\" into errorHandling; a build that succeeds or is "
            "cancelled keeps nothing");
  }
  const auto& json = record["kept"];
  KeptDisk kept;
  try {
    if (json.at("formatVersion") != kFormatVersion) return damaged(run);
    kept.overlays = json.at("overlays").get<std::vector<std::string>>();
    kept.source = json.at("source").at("path").get<std::string>();
    kept.source_state = json.at("source").at("state").get<std::string>();
    kept.sandbox = json.at("sandbox").get<std::string>();
    kept.options.memory_mib = json.at("memoryMiB").get<unsigned>();
    kept.options.vcpus = json.at("vcpus").get<unsigned>();
    kept.options.trusted_launch = json.at("trustedLaunch").get<bool>();
    kept.clean = json.at("clean").get<bool>();
    for (const auto& [value, name] : kFirmwares) {
      if (json.at("firmware") == name) kept.options.firmware = value;
    }
  } catch (const nlohmann::json::exception&) {
    return damaged(run);
  }
  if (kept.overlays.empty() ||
      !std::all_of(kept.overlays.begin(), kept.overlays.end(), is_plain_name)) {
    return damaged(run);
  }
  return kept;
}

Result<WorkDisk> open_kept_disk(const RunFolder& folder, const KeptDisk& kept) {
  KILN_TRY_ASSIGN(const auto state, state_of(kept.source));
  if (state != kept.source_state) {
    return fail(ErrorKind::kIo,
                "Run:SourceChanged",
                "{} was written since the run, and the kept disk fits only what it was",
                kept.source.string())
        .cure("restore the source image as it was, with its time of change, or build again");
  }
  KILN_TRY_ASSIGN(const auto source, probe_image(kept.source));
  std::vector<fs::path> overlays;
  for (const auto& name : kept.overlays) overlays.push_back(folder.kept() / name);
  return WorkDisk::reopen(source, overlays);
}

}  // namespace kiln
