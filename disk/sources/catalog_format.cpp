#include <algorithm>
#include <array>

#include "disk/sources/catalog.h"
#include "engine/core/digest.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

/// Raised when an older Kiln could no longer read the file rightly.
constexpr std::int64_t kFormatVersion = 1;

Result<DiskFormat> read_format(const JsonReader& entry) {
  KILN_TRY_ASSIGN(const auto field, entry.require("format"));
  KILN_TRY_ASSIGN(const auto text, field.as_string());
  for (const auto format : {DiskFormat::kRaw,
                            DiskFormat::kFixedVhd,
                            DiskFormat::kDynamicVhd,
                            DiskFormat::kVhdx,
                            DiskFormat::kQcow2}) {
    if (to_string(format) == text) return format;
  }
  return field
      .error("Catalog:UnknownFormat",
             fmt::format("\"{}\" is not a disk format", printable(text, 40)))
      .cure("remove the entry and add the image again");
}

Result<ImageKey> read_key(const JsonReader& entry) {
  KILN_TRY_ASSIGN(const auto field, entry.require("image"));
  KILN_TRY_ASSIGN(const auto text, field.as_string());
  auto key = parse_image_key(text);
  if (!key) return std::move(key).error().at(field.where());
  if (key->is_latest()) {
    return field.error("Catalog:InexactVersion", "an entry needs an exact version, not latest")
        .cure("remove the entry and add the image under its version");
  }
  return key;
}

Result<std::filesystem::path> read_path(const JsonReader& entry) {
  KILN_TRY_ASSIGN(const auto field, entry.require("path"));
  KILN_TRY_ASSIGN(const auto text, field.as_string());
  if (std::filesystem::path(text).is_absolute() && text.find('\0') == std::string::npos) {
    return std::filesystem::path(text);
  }
  return field
      .error("Catalog:BadPath", fmt::format("\"{}\" is not an absolute path", printable(text, 120)))
      .cure("remove the entry and add the image again");
}

Result<CatalogEntry> read_entry(const JsonReader& json) {
  KILN_TRY(json.refuse_unknown({"image",
                                "path",
                                "format",
                                "sha256",
                                "osType",
                                "hyperVGeneration",
                                "securityType",
                                "added"}));
  CatalogEntry entry;
  KILN_TRY_ASSIGN(entry.key, read_key(json));
  KILN_TRY_ASSIGN(entry.path, read_path(json));
  KILN_TRY_ASSIGN(entry.format, read_format(json));
  KILN_TRY(json.require("sha256"));
  KILN_TRY_ASSIGN(entry.sha256, read_sha256(json, "sha256"));
  KILN_TRY_ASSIGN(entry.os_type, read_os_type(json));
  KILN_TRY_ASSIGN(entry.hyper_v_generation, read_hyper_v_generation(json));
  KILN_TRY_ASSIGN(entry.security_type, read_security_type(json));
  KILN_TRY_ASSIGN(entry.added, json.string("added"));
  return entry;
}

}  // namespace

Result<std::vector<CatalogEntry>> parse_catalog(const std::string& text, std::string name) {
  KILN_TRY_ASSIGN(const auto document, JsonReader::parse(text, std::move(name)));
  KILN_TRY_ASSIGN(const auto version_field, document.require("kilnCatalog"));
  KILN_TRY_ASSIGN(const auto version, version_field.as_integer(1, INT32_MAX));
  if (version > kFormatVersion) {
    return version_field
        .error(
            "Catalog:NewerFormat",
            fmt::format("the catalog was written in format {} by a newer Kiln, this one knows {}",
                        version,
                        kFormatVersion))
        .cure("update Kiln, or name another catalog");
  }
  KILN_TRY(document.refuse_unknown({"kilnCatalog", "images"}));
  KILN_TRY_ASSIGN(const auto images, document.require("images"));
  KILN_TRY_ASSIGN(const auto items, images.items());
  std::vector<CatalogEntry> entries;
  for (const auto& item : items) {
    KILN_TRY_ASSIGN(auto entry, read_entry(item));
    const bool twice = std::any_of(entries.begin(), entries.end(), [&](const auto& other) {
      return other.key.same_image(entry.key);
    });
    if (twice) {
      return item.error("Catalog:DuplicateEntry", "two entries name the same image")
          .cure("remove one of the two");
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::string write_catalog(const std::vector<CatalogEntry>& entries) {
  auto images = nlohmann::json::array();
  for (const auto& entry : entries) {
    nlohmann::json image = {{"image", entry.key.text()},
                            {"path", entry.path.string()},
                            {"format", to_string(entry.format)},
                            {"sha256", entry.sha256},
                            {"osType", to_string(entry.os_type)},
                            {"hyperVGeneration", to_string(entry.hyper_v_generation)},
                            {"added", entry.added}};
    // Left out otherwise, so that an older Kiln reads what it can build.
    if (entry.security_type != SecurityType::kStandard) {
      image["securityType"] = to_string(entry.security_type);
    }
    images.push_back(std::move(image));
  }
  return dump_json({{"kilnCatalog", kFormatVersion}, {"images", std::move(images)}}, 2) + "\n";
}

}  // namespace kiln
