#include "disk/sources/kiln_local_image/kiln_local_image.h"

#include <array>

#include "disk/sources/catalog_source.h"
#include "engine/core/digest.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

constexpr std::array kFields = {
    Field{.name = "path",
          .help = "the disk image's file, absolute or relative to the template's folder",
          .required = true,
          .extension = true},
    Field{.name = "sha256Checksum", .help = "checked before the build", .extension = true},
    Field{.name = "osType", .help = "Linux or Windows", .extension = true},
    Field{.name = "hyperVGeneration", .help = "V1 (BIOS) or V2 (UEFI)", .extension = true},
    Field{.name = "securityType",
          .help = "Standard, or TrustedLaunch: booted with Secure Boot and a TPM",
          .extension = true},
};

class KilnLocalImage : public Source {
 public:
  KilnLocalImage(ResolvedSource as_written, std::string where)
      : as_written_(std::move(as_written)), where_(std::move(where)) {}

  [[nodiscard]] std::string_view type() const override { return "KilnLocalImage"; }
  [[nodiscard]] std::string describe() const override {
    return fmt::format("{} {}", type(), printable(as_written_.path.string()));
  }

  [[nodiscard]] Result<ResolvedSource> resolve(const SourceContext& context) const override {
    auto resolved = as_written_;
    std::error_code error;
    resolved.path = std::filesystem::absolute(context.template_folder / as_written_.path, error)
                        .lexically_normal();
    auto found = require_image_file(resolved.path, "correct the path of the source");
    if (!found) return std::move(found).error().at(where_);
    resolved.identity =
        resolved.expected_sha256 ? "sha256:" + *resolved.expected_sha256 : resolved.path.string();
    return resolved;
  }

 private:
  ResolvedSource as_written_;
  std::string where_;
};

}  // namespace

constexpr RecordType kKilnLocalImageSource{.name = "KilnLocalImage",
                                           .help = "a local disk image; Kiln's own extension",
                                           .fields = kFields,
                                           .discriminated = true,
                                           .extension = true};

Result<std::unique_ptr<Source>> parse_kiln_local_image(const Record& record,
                                                       const ContractContext& /*context*/) {
  const auto& field = record.at("path");
  const auto path = record.text("path");
  if (path.empty() || path.find('\0') != std::string::npos) {
    return field.error("Source:BadPath", "this is not the path of a file")
        .expecting("the path of a disk image")
        .cure("write the path of the disk image");
  }
  ResolvedSource source;
  source.path = path;
  const auto sha256 = record.text("sha256Checksum");
  if (!sha256.empty() && !is_sha256(sha256)) {
    return record.at("sha256Checksum")
        .error("Source:BadChecksum", "this is not a SHA-256 digest")
        .expecting("64 hexadecimal digits")
        .cure("write the 64 hex digits that sha256sum prints, or leave the field out");
  }
  if (!sha256.empty()) source.expected_sha256 = to_lower(sha256);
  if (record.has("osType")) {
    auto os_type = parse_os_type(record.text("osType"));
    if (!os_type) return std::move(os_type).error().at(record.at("osType").where());
    source.os_type = *os_type;
  }
  if (record.has("hyperVGeneration")) {
    auto generation = parse_hyper_v_generation(record.text("hyperVGeneration"));
    if (!generation) return std::move(generation).error().at(record.at("hyperVGeneration").where());
    source.hyper_v_generation = *generation;
  }
  if (record.has("securityType")) {
    auto security_type = parse_security_type(record.text("securityType"));
    if (!security_type) {
      return std::move(security_type).error().at(record.at("securityType").where());
    }
    source.security_type = *security_type;
  }
  return std::make_unique<KilnLocalImage>(std::move(source), field.where());
}

}  // namespace kiln
