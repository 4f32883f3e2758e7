#include "uploaders/managed_image/managed_image_distributor.h"

#include <array>

#include "engine/core/text.h"
#include "uploaders/planned_distributor.h"
#include "uploaders/resource_id.h"

namespace kiln {
namespace {

constexpr std::array kFields = {
    kRunOutputNameField,
    kArtifactTagsField,
    Field{.name = "imageId", .help = "resource id of the image to make", .required = true},
    Field{.name = "location", .help = "region of the image", .required = true},
};

constexpr std::array kHints = {
    Hint{"galleryImageId",
         "a ManagedImage target has no galleryImageId",
         "write imageId, or use the type SharedImage"},
};

class ManagedImageTarget : public PlannedDistributor {
 public:
  ManagedImageTarget(const Record& record, RunOutput output)
      : PlannedDistributor(record, std::move(output)),
        image_id_(record.text("imageId")),
        location_(record.text("location")) {}

  [[nodiscard]] std::string describe() const override {
    return fmt::format("{} in {}", image_id_, location_);
  }
  [[nodiscard]] std::string target_key() const override { return to_lower(image_id_); }

 private:
  std::string image_id_;
  std::string location_;
};

}  // namespace

constexpr RecordType kManagedImageTarget{.name = "ManagedImage",
                                         .help = "a managed image; planned, not yet made",
                                         .fields = kFields,
                                         .hints = kHints,
                                         .discriminated = true,
                                         .former = "managedImage",
                                         .planned = true};

Result<std::unique_ptr<Distributor>> parse_managed_image_distributor(
    const Record& record, const ContractContext& context) {
  auto output = parse_run_output(record, context);
  const auto id = record.text("imageId");
  if (!is_managed_image_id(id)) {
    context.error(
        record.at("imageId"),
        "Distribute:BadResourceId",
        fmt::format("\"{}\" is not the resource id of an image", printable(id, 200)),
        "the resource id of an image",
        "write /subscriptions/…/resourceGroups/…/providers/Microsoft.Compute/images/NAME");
  }
  warn_of_braces(record, "imageId", context);
  if (trim(record.text("location")).empty()) {
    context.error(record.at("location"),
                  "Distribute:NoLocation",
                  "the location is empty",
                  "a region",
                  "name the region, e.g. westeurope");
  }
  return std::make_unique<ManagedImageTarget>(record, std::move(output));
}

}  // namespace kiln
