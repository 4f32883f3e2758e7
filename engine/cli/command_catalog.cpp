// `kiln catalog add|list|remove|verify`
#include <fmt/format.h>

#include "disk/sources/catalog.h"
#include "engine/cli/services.h"

namespace kiln {
namespace {

struct AddFlags {
  std::string name;
  std::filesystem::path file;
  std::string os_type;
  std::string generation;
  std::string security_type;
  bool replace = false;
};

nlohmann::json to_json(const CatalogEntry& entry) {
  return {{"name", entry.key.text()},
          {"kind", to_string(entry.key.kind)},
          {"path", entry.path.string()},
          {"format", to_string(entry.format)},
          {"sha256", entry.sha256},
          {"osType", to_string(entry.os_type)},
          {"hyperVGeneration", to_string(entry.hyper_v_generation)},
          {"securityType", to_string(entry.security_type)},
          {"added", entry.added}};
}

std::string describe(const CatalogEntry& entry) {
  const bool trusted = entry.security_type == SecurityType::kTrustedLaunch;
  return fmt::format("{}\n    {} ({}, {}, generation {}{})\n    sha256 {}\n",
                     entry.key.text(),
                     entry.path.string(),
                     to_string(entry.format),
                     to_string(entry.os_type),
                     to_string(entry.hyper_v_generation),
                     trusted ? ", TrustedLaunch" : "",
                     entry.sha256);
}

Result<ExitCode> add(const AddFlags& flags, const Services& services) {
  CatalogRequest request;
  KILN_TRY_ASSIGN(request.key, parse_image_key(flags.name));
  request.path = flags.file;
  request.replace = flags.replace;
  if (!flags.os_type.empty()) {
    KILN_TRY_ASSIGN(request.os_type, parse_os_type(flags.os_type));
  }
  if (!flags.generation.empty()) {
    KILN_TRY_ASSIGN(request.hyper_v_generation, parse_hyper_v_generation(flags.generation));
  }
  if (!flags.security_type.empty()) {
    KILN_TRY_ASSIGN(request.security_type, parse_security_type(flags.security_type));
  }
  KILN_TRY_ASSIGN(const auto entry,
                  Catalog(services.settings.catalog).add(request, services.cancel));
  print_result(services.settings, describe(entry), to_json(entry));
  return ExitCode::kOk;
}

Result<ExitCode> list(const Services& services) {
  KILN_TRY_ASSIGN(const auto entries, Catalog(services.settings.catalog).list());
  std::string text;
  auto json = nlohmann::json::array();
  for (const auto& entry : entries) {
    text += describe(entry);
    json.push_back(to_json(entry));
  }
  if (entries.empty())
    text = "the catalog is empty; `kiln catalog add --help` shows how to fill it\n";
  print_result(services.settings, text, json);
  return ExitCode::kOk;
}

Result<ExitCode> remove(const std::string& name, const Services& services) {
  KILN_TRY_ASSIGN(const auto key, parse_image_key(name));
  KILN_TRY_ASSIGN(const auto entry, Catalog(services.settings.catalog).remove(key));
  print_result(services.settings,
               fmt::format("forgot {}; its file {} stays\n", entry.key.text(), entry.path.string()),
               to_json(entry));
  return ExitCode::kOk;
}

Result<ExitCode> verify(const Services& services) {
  KILN_TRY_ASSIGN(const auto findings, Catalog(services.settings.catalog).verify(services.cancel));
  std::string text;
  std::vector<std::string> bad;
  auto json = nlohmann::json::array();
  for (const auto& finding : findings) {
    text += fmt::format("{:<8} {}\n", to_string(finding.status), finding.entry.key.text());
    auto item = to_json(finding.entry);
    item["status"] = to_string(finding.status);
    item["detail"] = finding.detail;
    json.push_back(std::move(item));
    if (finding.status != CatalogStatus::kOk) {
      bad.push_back(fmt::format("{}: {}", finding.entry.path.string(), finding.detail));
    }
  }
  print_result(services.settings, text, json);
  if (bad.empty()) return ExitCode::kOk;
  return fail(ErrorKind::kIo,
              "Catalog:Unverified",
              "{} of {} images are not as registered",
              bad.size(),
              findings.size())
      .quoting(std::move(bad))
      .cure("bring the file back, or register what is there with `kiln catalog add --replace`");
}

}  // namespace

void add_catalog_command(CLI::App& app, Services& services) {
  auto* catalog = app.add_subcommand("catalog", "Local files that stand for cloud images");
  catalog->require_subcommand(1);

  auto flags = std::make_shared<AddFlags>();
  auto* add_command = catalog->add_subcommand("add", "Register a disk image under a cloud name");
  add_command->add_option("name", flags->name, "URN publisher:offer:sku:version, or ARM id")
      ->required();
  add_command->add_option("file", flags->file, "VHD, VHDX, qcow2 or raw; not copied")->required();
  add_command->add_option("--os-type", flags->os_type, "Linux or Windows");
  add_command->add_option("--generation", flags->generation, "V1 or V2");
  add_command->add_option("--security-type",
                          flags->security_type,
                          "Standard or TrustedLaunch (booted with Secure Boot and a TPM)");
  add_command->add_flag("--replace", flags->replace, "Allow other contents under a known name");
  add_command->callback([&services, flags] {
    services.command = [&services, flags] { return add(*flags, services); };
  });

  catalog->add_subcommand("list", "All entries")->callback([&services] {
    services.command = [&services] { return list(services); };
  });
  auto image = std::make_shared<std::string>();
  auto* remove_command = catalog->add_subcommand("remove", "Forget an entry; its file stays");
  remove_command->add_option("name", *image, "URN or ARM id")->required();
  remove_command->callback([&services, image] {
    services.command = [&services, image] { return remove(*image, services); };
  });
  catalog->add_subcommand("verify", "Compare every file with its registered SHA-256")
      ->callback([&services] { services.command = [&services] { return verify(services); }; });
}

}  // namespace kiln
