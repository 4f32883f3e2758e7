#include "engine/run/kept_disk.h"

#include <array>

namespace kiln {
namespace {

constexpr int kFormatVersion = 1;
constexpr std::array kFirmwares = {std::pair{Firmware::kAny, "any"},
                                   std::pair{Firmware::kBios, "bios"},
                                   std::pair{Firmware::kUefi, "uefi"}};

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
  KILN_TRY_ASSIGN(auto linked, link_disk(disk, folder.kept()));
  return KeptDisk{std::move(linked), std::move(sandbox), options, clean};
}

nlohmann::json to_json(const KeptDisk& kept) {
  const auto* firmware = kFirmwares.front().second;
  for (const auto& [value, name] : kFirmwares) {
    if (value == kept.options.firmware) firmware = name;
  }
  auto json = to_json(kept.disk);
  json.update({{"formatVersion", kFormatVersion},
               {"sandbox", kept.sandbox},
               {"firmware", firmware},
               {"trustedLaunch", kept.options.trusted_launch},
               {"memoryMiB", kept.options.memory_mib},
               {"clean", kept.clean}});
  if (kept.options.vcpus) json["vcpus"] = *kept.options.vcpus;
  return json;
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
    auto disk = linked_disk_of(json);
    if (!disk) return damaged(run);
    kept.disk = *std::move(disk);
    kept.sandbox = json.at("sandbox").get<std::string>();
    kept.options.memory_mib = json.at("memoryMiB").get<unsigned>();
    if (json.contains("vcpus")) kept.options.vcpus = json["vcpus"].get<unsigned>();
    kept.options.trusted_launch = json.at("trustedLaunch").get<bool>();
    kept.clean = json.at("clean").get<bool>();
    for (const auto& [value, name] : kFirmwares) {
      if (json.at("firmware") == name) kept.options.firmware = value;
    }
  } catch (const nlohmann::json::exception&) {
    return damaged(run);
  }
  return kept;
}

Result<WorkDisk> open_kept_disk(const RunFolder& folder, const KeptDisk& kept) {
  return open_linked_disk(kept.disk, folder.kept());
}

}  // namespace kiln
