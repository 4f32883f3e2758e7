#include "uploaders/managed_image/managed_image_distributor.h"

#include <array>

#include "engine/core/text.h"
#include "uploaders/arm/azure_access.h"
#include "uploaders/resource_id.h"
#include "uploaders/staging/azure_target.h"
#include "uploaders/staging/staging.h"

namespace kiln {
namespace {

using nlohmann::json;

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

class ManagedImageTarget : public Distributor {
 public:
  ManagedImageTarget(const Record& record, RunOutput output)
      : output_(std::move(output)),
        image_id_(record.text("imageId")),
        location_(record.text("location")) {}

  [[nodiscard]] std::string_view type() const override { return "ManagedImage"; }
  [[nodiscard]] const std::string& run_output_name() const override { return output_.name; }
  [[nodiscard]] std::string describe() const override {
    return fmt::format("{} in {}", image_id_, location_);
  }
  [[nodiscard]] std::string target_key() const override { return to_lower(image_id_); }
  [[nodiscard]] bool needs_cloud() const override { return true; }
  [[nodiscard]] std::optional<Error> lacking(const Cloud& cloud,
                                             const ImageTraits& image,
                                             bool staging) const override {
    return image_lacking(cloud, image, staging);
  }

  [[nodiscard]] Result<void> check(const DistributeContext& context,
                                   std::uint64_t disk_size) const override {
    KILN_TRY_ASSIGN(auto* const azure, require_azure(context));
    if (auto error = lacking(azure->cloud(), context.image, !azure->staging().url.empty())) {
      return *std::move(error);
    }
    KILN_TRY(check_image(context, disk_size));
    if (context.image.security_type == "TrustedLaunch") {
      warning(context.events,
              fmt::format("{}: a managed image does not say that it is for TrustedLaunch; a "
                          "gallery's definition does",
                          output_.name));
    }
    auto quick = azure->options();
    quick.retry = impatient(quick.retry);
    KILN_TRY_ASSIGN(auto client, azure->client(quick));
    KILN_TRY(find(client, context));
    return {};
  }

  Result<Artifact> distribute(FinishedDisk& disk, const DistributeContext& context) const override {
    KILN_TRY_ASSIGN(auto* const azure, require_azure(context));
    KILN_TRY_ASSIGN(auto client, azure->client());
    KILN_TRY_ASSIGN(const auto found, find(client, context));
    const auto image = resource(*azure);
    const StagingPlace place{resource_group_of(image_id_), location_};
    if (found && is_marked(*found, context) && property(*found, "provisioningState") != "Failed") {
      KILN_TRY(client.settle(image, context.cancel));
      remove_left_staging(place, context);
      return artifact(disk.blocks.size());
    }
    if (found) {
      notice(context.events, fmt::format("{} is replaced", image_id_));
      KILN_TRY(client.remove(image, context.cancel));
    }
    return with_staging(disk, place, context, [&](const Staging& staging) -> Result<Artifact> {
      KILN_TRY(client.put(image, body(staging, context), context.cancel));
      auto result = artifact(disk.blocks.size());
      result.sent_bytes = staging.report().sent_bytes;
      return result;
    });
  }

 private:
  [[nodiscard]] ArmResource resource(const AzureAccess& azure) const {
    return {image_id_, azure.cloud().images_version};
  }

  /// What is there already; an error where that stands in the way.
  Result<std::optional<json>> find(ArmClient& client, const DistributeContext& context) const {
    KILN_TRY_ASSIGN(auto found, client.get(resource(*context.azure), context.cancel));
    if (!found || is_marked(*found, context)) return found;
    if (!context.overwrite) {
      return fail(ErrorKind::kRemote, "ManagedImage:Exists", "{} already exists", image_id_)
          .cure("choose another name, delete the image, or allow overwriting (--overwrite)");
    }
    const auto there = text_member(*found, "location");
    if (same_region(there, location_)) return found;
    return fail(ErrorKind::kRemote,
                "ManagedImage:OtherLocation",
                "{} exists in {}, and the template says {}",
                image_id_,
                printable(there, 60),
                location_)
        .cure("write the image's region, or choose another name");
  }

  [[nodiscard]] json body(const Staging& staging, const DistributeContext& context) const {
    json os_disk = {{"osType", context.image.os_type},
                    {"osState", "Generalized"},
                    {"caching", "ReadWrite"},
                    {"storageAccountType", "Standard_LRS"}};
    if (staging.is_disk()) {
      os_disk["managedDisk"] = {{"id", staging.name()}};
    } else {
      os_disk["blobUri"] = staging.name();
    }
    return {{"location", location_},
            {"tags", tags_of(output_, context)},
            {"properties",
             {{"hyperVGeneration", context.image.generation},
              {"storageProfile", {{"osDisk", std::move(os_disk)}}}}}};
  }

  [[nodiscard]] Artifact artifact(std::uint64_t size) const {
    Artifact result;
    result.run_output_name = output_.name;
    result.type = "ManagedImage";
    result.artifact_id = image_id_;
    result.size_bytes = size;
    result.details["location"] = location_;
    for (const auto& [name, value] : output_.tags) result.details["tag:" + name] = value;
    return result;
  }

  RunOutput output_;
  std::string image_id_;
  std::string location_;
};

}  // namespace

constexpr RecordType kManagedImageTarget{.name = "ManagedImage",
                                         .help = "a managed image",
                                         .fields = kFields,
                                         .hints = kHints,
                                         .discriminated = true,
                                         .former = "managedImage"};

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
