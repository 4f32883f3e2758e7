#include "disk/sources/catalog_source.h"

#include "disk/sources/catalog.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

class CatalogSource : public Source {
 public:
  CatalogSource(ImageKey key, std::string where) : key_(std::move(key)), where_(std::move(where)) {}

  [[nodiscard]] std::string_view type() const override { return to_string(key_.kind); }
  [[nodiscard]] std::string describe() const override {
    return fmt::format("{} {}", type(), key_.text());
  }

  [[nodiscard]] Result<ResolvedSource> resolve(const SourceContext& context) const override {
    auto entry = Catalog(context.catalog).resolve(key_);
    if (!entry) return std::move(entry).error().at(where_);
    auto found = require_image_file(
        entry->path,
        fmt::format("put the file back, or run: kiln catalog add --replace {} /path/to/image.vhd",
                    entry->key.text()));
    if (!found) return std::move(found).error().at(where_);
    return ResolvedSource{entry->path,
                          entry->sha256,
                          entry->os_type,
                          entry->hyper_v_generation,
                          entry->security_type,
                          entry->key.text()};
  }

 private:
  ImageKey key_;
  std::string where_;
};

}  // namespace

std::unique_ptr<Source> make_catalog_source(ImageKey key, std::string where) {
  return std::make_unique<CatalogSource>(std::move(key), std::move(where));
}

Result<ImageKey> read_image_id(const Record& record, std::string_view name, ImageKind kind) {
  const auto& field = record.at(name);
  const auto text = record.text(name);
  auto key = parse_image_key(text);
  if (key && key->kind == kind) return key;
  return field
      .error("Source:BadImageId",
             fmt::format("\"{}\" is not the id of a {}", printable(text, 200), to_string(kind)))
      .expecting(fmt::format("the resource id of a {}", to_string(kind)))
      .cure(kind == ImageKind::kManagedImage
                ? "write /subscriptions/…/resourceGroups/…/providers/Microsoft.Compute/images/NAME"
                : "write /subscriptions/…/resourceGroups/…/providers/Microsoft.Compute/galleries/"
                  "GALLERY/images/DEFINITION/versions/ and an exact version or latest");
}

Result<void> require_image_file(const std::filesystem::path& path, std::string cure) {
  std::error_code error;
  if (std::filesystem::is_regular_file(path, error)) return {};
  const auto reason = error ? error.message() : std::string("it is not a regular file");
  return fail(ErrorKind::kNotFound,
              "Source:FileMissing",
              "the image file {} cannot be used: {}",
              path.string(),
              reason)
      .cure(std::move(cure));
}

}  // namespace kiln
