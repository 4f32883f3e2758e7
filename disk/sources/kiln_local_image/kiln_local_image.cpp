#include "disk/sources/kiln_local_image/kiln_local_image.h"

#include "disk/sources/catalog_source.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

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

Result<std::unique_ptr<Source>> parse_kiln_local_image(const JsonReader& body) {
  KILN_TRY(body.refuse_unknown({"type", "path", "sha256Checksum", "osType", "hyperVGeneration"}));
  KILN_TRY_ASSIGN(const auto field, body.require("path"));
  KILN_TRY_ASSIGN(const auto path, field.as_string());
  if (path.empty() || path.find('\0') != std::string::npos) {
    return field.error("Source:BadPath", "this is not the path of a file")
        .cure("write the path of the disk image");
  }
  ResolvedSource source;
  source.path = path;
  KILN_TRY_ASSIGN(auto sha256, read_sha256(body, "sha256Checksum"));
  if (!sha256.empty()) source.expected_sha256 = std::move(sha256);
  KILN_TRY_ASSIGN(source.os_type, read_os_type(body));
  KILN_TRY_ASSIGN(source.hyper_v_generation, read_hyper_v_generation(body));
  return std::make_unique<KilnLocalImage>(std::move(source), field.where());
}

}  // namespace kiln
