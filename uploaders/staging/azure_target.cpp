#include "uploaders/staging/azure_target.h"

#include <algorithm>

#include "engine/core/text.h"
#include "uploaders/arm/azure_access.h"
#include "uploaders/auth/blob_location.h"
#include "uploaders/resource_id.h"
#include "uploaders/staging/staging.h"

namespace kiln {
namespace {

using nlohmann::json;

std::string plain_region(std::string_view name) {
  std::string plain;
  for (const char c : to_lower(name)) {
    if (c != ' ') plain += c;
  }
  return plain;
}

/// A gallery version of a blob in an account that the container is not in fails after the upload.
Result<void> check_staging_account(const StagingContainer& staging) {
  if (staging.account_id.empty()) return {};
  KILN_TRY_ASSIGN(const auto container, parse_blob_location(staging.url));
  if (is_storage_account_id(staging.account_id, container.account)) return {};
  return fail(ErrorKind::kInvalidTemplate,
              "Staging:OtherAccount",
              "\"{}\" is not the resource id of the storage account {}, where the staging "
              "container is",
              printable(staging.account_id, 200),
              container.account)
      .cure(
          "write --staging-account as /subscriptions/…/resourceGroups/…/providers/"
          "Microsoft.Storage/storageAccounts/" +
          container.account);
}

}  // namespace

std::optional<Error> image_lacking(const Cloud& cloud, const ImageTraits& image, bool staging) {
  if (image.generation == "V2" && !cloud.generation2) {
    return fail(ErrorKind::kUnsupported,
                "Cloud:NoGeneration2",
                "{} has no machines of Hyper-V generation 2",
                cloud.name)
        .cure("choose a source of generation V1");
  }
  if (cloud.disk_upload || staging) return std::nullopt;
  return fail(ErrorKind::kUnsupported,
              "Cloud:NoDiskUpload",
              "{} takes no upload of managed disks, so an image needs a page blob to be made of",
              cloud.name)
      .cure("name a container of a storage account there with --staging-container");
}

Result<AzureAccess*> require_azure(const DistributeContext& context) {
  KILN_CHECK(context.azure != nullptr && !context.run_id.empty());
  return context.azure;
}

Result<void> check_image(const DistributeContext& context, std::uint64_t disk_size) {
  KILN_TRY(check_staging_account(context.azure->staging()));
  const auto& cloud = context.azure->cloud();
  const bool blob = !context.azure->staging().url.empty();
  const auto largest =
      blob ? std::min(cloud.largest_disk, cloud.largest_page_blob - kMiB) : cloud.largest_disk;
  if (disk_size > largest) {
    return fail(ErrorKind::kUnsupported,
                "Cloud:DiskTooLarge",
                "the disk has {}, and OS disks of {} end at {}",
                format_bytes(disk_size),
                cloud.name,
                format_bytes(largest));
  }
  if (context.image.os_type.empty() || context.image.generation.empty()) {
    return fail(ErrorKind::kUnsupported,
                "Distribute:UnknownImage",
                "an image in Azure has to be of an OS type and of a Hyper-V generation, and the "
                "source says not which")
        .cure("say it with `kiln catalog add --os-type --generation`, or in the KilnLocalImage");
  }
  return {};
}

json tags_of(const RunOutput& output, const DistributeContext& context) {
  json tags = output.tags;
  if (tags.is_null()) tags = json::object();
  for (const auto& [name, value] : run_marks(context)) tags[name] = value;
  return tags;
}

bool is_marked(const json& resource, const DistributeContext& context) {
  const auto& tags = part(resource, "tags");
  for (const auto& [name, value] : run_marks(context)) {
    if (text_member(tags, name.c_str()) != value) return false;
  }
  return true;
}

bool is_of_run(const json& resource, const std::string& run_id) {
  return text_member(part(resource, "tags"), "kiln-run") == run_id;
}

std::string text_member(const json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

const json& part(const json& object, const char* name) {
  static const json kNothing;
  if (!object.is_object()) return kNothing;
  const auto found = object.find(name);
  return found != object.end() && found->is_structured() ? *found : kNothing;
}

std::string property(const json& resource, const char* name) {
  return text_member(part(resource, "properties"), name);
}

bool same_region(std::string_view a, std::string_view b) {
  return plain_region(a) == plain_region(b);
}

}  // namespace kiln
