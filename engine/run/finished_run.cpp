#include "engine/run/finished_run.h"

#include "disk/convert/open_image.h"
#include "disk/extents/mapped_source.h"
#include "disk/image/probe.h"

namespace kiln {
namespace {

constexpr int kFormatVersion = 1;

Error damaged(const std::string& run) {
  return fail(ErrorKind::kIo,
              "Run:DamagedRecord",
              "the record of the run {} does not tell of its finished disk in a way that this "
              "version reads",
              run)
      .cure("`kiln runs gc --kept` removes what is kept; `kiln upload` sends a VHD");
}

Result<FinishedTarget> read_target(const nlohmann::json& json, const std::string& run) {
  FinishedTarget target;
  try {
    target.id = json.at("id").get<std::string>();
    target.suggested_name = json.at("suggestedName").get<std::string>();
    target.body = json.at("body");
  } catch (const nlohmann::json::exception&) {
    return damaged(run);
  }
  // Both become names of files.
  const bool plain = target.id.find('/') == std::string::npos &&
                     target.suggested_name.find('/') == std::string::npos;
  if (!plain || target.id.empty() || !target.body.is_object()) return damaged(run);
  return target;
}

}  // namespace

nlohmann::json without_signatures(nlohmann::json body) {
  if (body.is_structured()) {
    for (auto& member : body) member = without_signatures(std::move(member));
  } else if (body.is_string()) {
    const auto& text = body.get_ref<const std::string&>();
    if (text.starts_with("http://") || text.starts_with("https://")) {
      body = text.substr(0, text.find('?'));
    }
  }
  return body;
}

std::filesystem::path whole_disk(const RunFolder& folder) {
  return folder.finished() / "disk.vhd";
}

nlohmann::json to_json(const FinishedRun& finished) {
  auto json = finished.overlays ? to_json(*finished.overlays) : nlohmann::json::object();
  auto targets = nlohmann::json::array();
  for (const auto& target : finished.targets) {
    targets.push_back(
        {{"id", target.id}, {"suggestedName", target.suggested_name}, {"body", target.body}});
  }
  json.update({{"formatVersion", kFormatVersion},
               {"whole", !finished.overlays.has_value()},
               {"validated", finished.validated},
               {"image",
                {{"osType", finished.image.os_type},
                 {"generation", finished.image.generation},
                 {"securityType", finished.image.security_type},
                 {"version", finished.image.version}}},
               {"targets", targets}});
  return json;
}

Result<FinishedRun> read_finished_run(const nlohmann::json& record, const std::string& run) {
  if (!record.contains("finished")) {
    return fail(ErrorKind::kNotFound,
                "Run:NothingFinished",
                "the run {} has no finished disk to distribute",
                run)
        .cure(
            "only a run that came to its distribution, and did not complete it, has one; "
            "`kiln build --distribute-later` keeps one on purpose");
  }
  const auto& json = record["finished"];
  FinishedRun finished;
  bool whole = false;
  try {
    if (json.at("formatVersion") != kFormatVersion) return damaged(run);
    whole = json.at("whole").get<bool>();
    finished.validated = json.at("validated").get<bool>();
    const auto& image = json.at("image");
    finished.image = {image.at("osType").get<std::string>(),
                      image.at("generation").get<std::string>(),
                      image.at("securityType").get<std::string>(),
                      image.at("version").get<std::string>()};
    for (const auto& target : json.at("targets")) {
      KILN_TRY_ASSIGN(auto read, read_target(target, run));
      finished.targets.push_back(std::move(read));
    }
  } catch (const nlohmann::json::exception&) {
    return damaged(run);
  }
  if (!whole) finished.overlays = linked_disk_of(json);
  if (whole == finished.overlays.has_value()) return damaged(run);
  return finished;
}

Result<std::unique_ptr<BlockSource>> open_finished_disk(const RunFolder& folder,
                                                        const FinishedRun& finished,
                                                        ProcessRunner& runner,
                                                        const std::filesystem::path& work,
                                                        const CancelToken& cancel) {
  if (finished.overlays) {
    KILN_TRY_ASSIGN(const auto disk, open_linked_disk(*finished.overlays, folder.finished()));
    return open_mapped_source(runner, disk.node(/*read_only=*/true), disk.files(), work, cancel);
  }
  KILN_TRY_ASSIGN(const auto image, probe_image(whole_disk(folder)));
  return open_image(runner, image, work, cancel);
}

}  // namespace kiln
