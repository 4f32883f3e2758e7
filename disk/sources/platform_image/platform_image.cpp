#include "disk/sources/platform_image/platform_image.h"

#include <array>

#include "disk/sources/catalog_source.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

constexpr std::array kPlanFields = {
    Field{.name = "planName", .help = "name of the purchase plan", .required = true},
    Field{.name = "planProduct", .help = "product of the purchase plan", .required = true},
    Field{.name = "planPublisher", .help = "publisher of the purchase plan", .required = true},
};
constexpr std::array kPlanHints = {
    Hint{.name = "name", .field = "planName"},
    Hint{.name = "product", .field = "planProduct"},
    Hint{.name = "publisher", .field = "planPublisher"},
};
constexpr RecordType kPlan{.name = "planInfo",
                           .help = "the purchase plan of a marketplace image",
                           .fields = kPlanFields,
                           .hints = kPlanHints,
                           .since = ApiVersion::k2020};

constexpr std::array kFields = {
    Field{.name = "publisher", .help = "publisher in the marketplace", .required = true},
    Field{.name = "offer", .help = "offer of the publisher", .required = true},
    Field{.name = "sku", .help = "SKU of the offer", .required = true},
    Field{.name = "version", .help = "an exact version, or latest", .required = true},
    Field{.name = "planInfo",
          .kind = FieldKind::kObject,
          .help = "nothing is bought for the build",
          .treatment = Treatment::kNotice,
          .since = ApiVersion::k2020,
          .object = &kPlan},
    Field{.name = "exactVersion",
          .help = "the version that latest stood for",
          .treatment = Treatment::kReadOnly,
          .since = ApiVersion::k2021},
};

constexpr std::array kHints = {
    Hint{.name = "urn",
         .message = "a PlatformImage has no field urn",
         .cure = "write publisher, offer, sku and version",
         .stands_for_all = true},
    Hint{.name = "plan", .field = "planInfo"},
};

}  // namespace

constexpr RecordType kPlatformImageSource{.name = "PlatformImage",
                                          .help = "a marketplace image, through the catalog",
                                          .fields = kFields,
                                          .hints = kHints,
                                          .discriminated = true};

Result<std::unique_ptr<Source>> parse_platform_image(const Record& record,
                                                     const ContractContext& context) {
  for (const std::string_view name : {"publisher", "offer", "sku", "version"}) {
    const auto text = record.text(name);
    const bool version = name == "version";
    if (version ? is_image_version(text) : is_image_word(text)) continue;
    const auto expected = version ? "dotted numbers, or latest" : "letters, digits and . _ - ( )";
    context.error(record.at(name),
                  "Source:BadImageName",
                  fmt::format("\"{}\" cannot be the {} of an image", printable(text, 80), name),
                  expected,
                  fmt::format("write {}", expected));
  }
  ImageKey key{
      ImageKind::kPlatformImage,
      fmt::format("{}:{}:{}", record.text("publisher"), record.text("offer"), record.text("sku")),
      record.text("version")};
  return make_catalog_source(std::move(key), record.place().where());
}

}  // namespace kiln
