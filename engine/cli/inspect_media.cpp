#include "engine/cli/inspect_media.h"

#include <fmt/format.h>

#include "disk/media/installer_media.h"
#include "engine/core/text.h"
#include "engine/installers/installer.h"

namespace kiln {
namespace {

std::string describe(const InstallerMedia& media) {
  auto text = fmt::format("Disc       {}\nLabel      {}\nFiles      {} in {}, {}\n",
                          media.image.string(),
                          media.label,
                          media.files,
                          media.file_system,
                          format_bytes(media.size));
  if (media.family != InstallerFamily::kUnknown) {
    text += fmt::format("Installs   {}{}, {}\nFamily     {}\n",
                        media.title(),
                        media.codename.empty() ? "" : " (" + media.codename + ")",
                        media.architecture.empty() ? "unknown architecture" : media.architecture,
                        to_string(media.family));
  }
  if (!media.kernel.empty()) {
    text +=
        fmt::format("Boots      {} with {}\n", printable(media.kernel), printable(media.initrd));
  }
  for (const auto& edition : media.editions) {
    text += fmt::format("Edition    {}  {} ({}, {}, {}, {}, {})\n",
                        edition.index,
                        edition.name,
                        edition.edition,
                        edition.kind,
                        edition.version,
                        edition.architecture,
                        edition.language);
  }
  if (!media.packages.empty()) {
    text += fmt::format("Packages   for Azure: {}\n", fmt::join(media.packages, ", "));
  }
  return text;
}

nlohmann::json to_json(const InstallerMedia& media) {
  auto editions = nlohmann::json::array();
  for (const auto& edition : media.editions) {
    editions.push_back({{"index", edition.index},
                        {"name", edition.name},
                        {"edition", edition.edition},
                        {"installationType", edition.kind},
                        {"version", edition.version},
                        {"architecture", edition.architecture},
                        {"language", edition.language}});
  }
  return {{"path", media.image.string()},
          {"format", "iso"},
          {"fileSystem", media.file_system},
          {"label", media.label},
          {"fileSize", media.size},
          {"files", media.files},
          {"family", to_string(media.family)},
          {"product", media.product},
          {"version", media.version},
          {"codename", media.codename},
          {"architecture", media.architecture},
          {"kernel", media.kernel},
          {"initrd", media.initrd},
          {"complete", media.complete},
          {"editions", std::move(editions)},
          {"packages", media.packages},
          {"repositories", media.repositories}};
}

}  // namespace

Result<ExitCode> print_media(const std::filesystem::path& image, const Settings& settings) {
  KILN_TRY_ASSIGN(const auto media, inspect_media(image));
  auto text = describe(media);
  auto json = to_json(media);
  const auto refusal = installation_refusal(media);
  json["installable"] = !refusal.has_value();
  if (refusal) {
    text += "Warning    " + refusal->message() + "\n";
    json["warnings"] = {refusal->message()};
  }
  print_result(settings, text, json);
  return ExitCode::kOk;
}

}  // namespace kiln
