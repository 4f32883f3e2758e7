#include "uploaders/shared_image/shared_image_target.h"

#include "engine/core/text.h"
#include "uploaders/arm/azure_access.h"
#include "uploaders/resource_id.h"
#include "uploaders/shared_image/definition.h"
#include "uploaders/shared_image/version_number.h"
#include "uploaders/staging/azure_target.h"
#include "uploaders/staging/staging.h"

namespace kiln {
namespace {

using nlohmann::json;

std::string describe_region(const SharedImageRegion& region) {
  auto text = region.name;
  if (region.replicas != 1) text += fmt::format(" x{}", region.replicas);
  if (region.storage != "Standard_LRS") text += " " + region.storage;
  return text;
}

/// A version of this run, or the number of the one to make.
struct ChosenVersion {
  std::string number;
  std::optional<json> found;
};

class SharedImageTarget : public Distributor {
 public:
  SharedImageTarget(RunOutput output, SharedImageOptions options)
      : output_(std::move(output)), options_(std::move(options)) {}

  [[nodiscard]] std::string_view type() const override { return "SharedImage"; }
  [[nodiscard]] const std::string& run_output_name() const override { return output_.name; }

  [[nodiscard]] std::string describe() const override {
    auto text = fmt::format("{}, {}", options_.target.definition, describe_version());
    std::vector<std::string> regions;
    for (const auto& region : options_.regions) regions.push_back(describe_region(region));
    if (!regions.empty()) text += fmt::format(", to {}", fmt::join(regions, ", "));
    if (options_.replication_mode != "Full") text += ", replicated " + options_.replication_mode;
    if (options_.exclude_from_latest) text += ", not latest";
    if (!options_.end_of_life.empty()) text += ", until " + options_.end_of_life;
    return text;
  }

  /// Without an explicit version each target makes a version of its own.
  [[nodiscard]] std::string target_key() const override {
    if (options_.target.version.empty()) return {};
    return to_lower(options_.target.definition) + "/versions/" + options_.target.version;
  }

  [[nodiscard]] bool needs_cloud() const override { return true; }
  [[nodiscard]] bool can_be_made_of(std::string_view type) const override {
    return type == "ManagedImage" && !is_shallow();
  }
  [[nodiscard]] std::optional<Error> lacking(const Cloud& cloud,
                                             const ImageTraits& image,
                                             bool /*staging*/) const override {
    if (cloud.galleries_version.empty()) {
      return fail(ErrorKind::kUnsupported,
                  "Cloud:NoGalleries",
                  "{} has no compute galleries, where the target {} would go",
                  cloud.name,
                  output_.name)
          .cure("distribute a ManagedImage or a VHD");
    }
    return image_lacking(cloud, image, /*staging=*/false);
  }

  [[nodiscard]] Result<void> check(const DistributeContext& context,
                                   std::uint64_t disk_size) const override {
    KILN_TRY_ASSIGN(auto* const azure, require_azure(context));
    if (auto error = lacking(azure->cloud(), context.image, /*staging=*/false)) {
      return *std::move(error);
    }
    KILN_TRY(check_image(context, disk_size));
    auto quick = azure->options();
    quick.retry = impatient(quick.retry);
    KILN_TRY_ASSIGN(auto client, azure->client(quick));
    KILN_TRY_ASSIGN(const auto definition, find_definition(client, context));
    KILN_TRY(require_home(text_member(definition, "location")));
    KILN_TRY(choose_version(client, context));
    return {};
  }

  Result<Artifact> distribute(FinishedDisk& disk, const DistributeContext& context) const override {
    KILN_TRY_ASSIGN(auto* const azure, require_azure(context));
    KILN_TRY_ASSIGN(auto client, azure->client());
    KILN_TRY_ASSIGN(const auto definition, find_definition(client, context));
    KILN_TRY_ASSIGN(const auto chosen, choose_version(client, context));
    const auto version = collection(context).child(chosen.number);
    const auto home = text_member(definition, "location");
    // A shallow version goes on to read the disk.
    const StagingPlace place{resource_group_of(options_.target.definition),
                             home,
                             /*disk=*/is_shallow() || azure->staging().account_id.empty(),
                             /*keep=*/is_shallow()};
    if (chosen.found && property(*chosen.found, "provisioningState") != "Failed") {
      KILN_TRY(client.settle(version, context.cancel));
      if (!place.keep) remove_left_staging(place, context);
      return artifact(version.id, disk.blocks.size());
    }
    if (chosen.found) KILN_TRY(client.remove(version, context.cancel));
    const auto make = [&](json source) {
      notice(context.events,
             fmt::format("the service makes and replicates {}, which can take long", version.id));
      return client.put(version, body(std::move(source), home, context), context.cancel);
    };
    KILN_TRY_ASSIGN(const auto image, find_image(client, definition, context));
    if (!image.empty()) {
      notice(context.events, fmt::format("{} is made of {}", version.id, image));
      KILN_TRY(make({{"source", {{"id", image}}}}));
      remove_left_staging(place, context);  // of an attempt that had no image yet
      return artifact(version.id, disk.blocks.size());
    }
    return with_staging(disk, place, context, [&](const Staging& staging) -> Result<Artifact> {
      KILN_TRY(make({{"osDiskImage", {{"source", source_of(staging, *azure)}}}}));
      auto result = artifact(version.id, disk.blocks.size());
      result.sent_bytes = staging.report().sent_bytes;
      return result;
    });
  }

 private:
  [[nodiscard]] std::string describe_version() const {
    if (!options_.target.version.empty()) return "version " + options_.target.version;
    if (options_.scheme == "Source") return "version as the source's";
    if (options_.major < 0) return "version next after the latest";
    return fmt::format("version next after the latest {}.x", options_.major);
  }

  [[nodiscard]] ArmResource collection(const DistributeContext& context) const {
    return {options_.target.definition + "/versions", context.azure->cloud().galleries_version};
  }

  Result<json> find_definition(ArmClient& client, const DistributeContext& context) const {
    const ArmResource resource{options_.target.definition,
                               context.azure->cloud().galleries_version};
    KILN_TRY_ASSIGN(auto found, client.get(resource, context.cancel));
    if (!found) {
      return fail(ErrorKind::kNotFound,
                  "SharedImage:NoDefinition",
                  "there is no image definition {}",
                  resource.id)
          .cure("create the gallery and the definition first, or correct galleryImageId");
    }
    KILN_TRY(check_definition(*found, context.image));
    return *std::move(found);
  }

  [[nodiscard]] Result<void> require_home(const std::string& home) const {
    if (options_.regions.empty()) return {};
    for (const auto& region : options_.regions) {
      if (same_region(region.name, home)) return {};
    }
    return fail(ErrorKind::kInvalidTemplate,
                "SharedImage:NoHomeRegion",
                "the version of {} is made in {}, which is not among the regions of the target {}",
                options_.target.definition,
                home,
                output_.name)
        .cure(fmt::format("add {} to its regions", home));
  }

  /// This run's own version, where an earlier attempt came so far; else a number that is free.
  Result<ChosenVersion> choose_version(ArmClient& client, const DistributeContext& context) const {
    KILN_TRY_ASSIGN(const auto versions, client.list(collection(context), context.cancel));
    std::vector<VersionNumber> numbers;
    for (const auto& version : versions) {
      const auto name = text_member(version, "name");
      if (is_marked(version, context)) return ChosenVersion{name, version};
      if (const auto number = parse_version_number(name)) numbers.push_back(*number);
    }
    auto wanted = options_.target.version;
    if (wanted.empty() && options_.scheme == "Source") {
      wanted = context.image.version;
      if (!parse_version_number(wanted)) {
        return fail(ErrorKind::kInvalidTemplate,
                    "SharedImage:NoSourceVersion",
                    "the target {} is to have the source's version, and the source has none of "
                    "the form 1.2.3",
                    output_.name)
            .cure(R"(write "scheme": "Latest", or name the version in galleryImageId)");
      }
    }
    if (wanted.empty()) {
      KILN_TRY_ASSIGN(const auto next, next_version(numbers, options_.major));
      return ChosenVersion{to_string(next), std::nullopt};
    }
    const auto number = parse_version_number(wanted);
    if (!number || std::find(numbers.begin(), numbers.end(), *number) == numbers.end()) {
      return ChosenVersion{wanted, std::nullopt};
    }
    return fail(ErrorKind::kRemote,
                "SharedImage:VersionExists",
                "{} has a version {} already",
                options_.target.definition,
                wanted)
        .cure("name another version, or let the service's scheme choose it (versioning)");
  }

  [[nodiscard]] bool is_shallow() const { return options_.replication_mode == "Shallow"; }

  /// A managed image of this run in the definition's region, of which a version has all that the
  /// definition promises; empty where there is none. It says nothing of Secure Boot.
  Result<std::string> find_image(ArmClient& client,
                                 const json& definition,
                                 const DistributeContext& context) const {
    if (is_shallow() || !is_standard(definition)) return "";
    for (const auto& id : context.delivered) {
      if (!is_managed_image_id(id)) continue;
      const ArmResource resource{id, context.azure->cloud().images_version};
      KILN_TRY_ASSIGN(const auto image, client.get(resource, context.cancel));
      if (image && is_of_run(*image, context.run_id) &&
          property(*image, "provisioningState") == "Succeeded" &&
          same_region(text_member(*image, "location"), text_member(definition, "location"))) {
        return id;
      }
    }
    return "";
  }

  [[nodiscard]] static json source_of(const Staging& staging, const AzureAccess& azure) {
    if (staging.is_disk()) return {{"id", staging.name()}};
    return {{"uri", staging.name()}, {"storageAccountId", azure.staging().account_id}};
  }

  /// @param profile the version's `storageProfile`
  [[nodiscard]] json body(json profile,
                          const std::string& home,
                          const DistributeContext& context) const {
    json regions = json::array();
    for (const auto& region : options_.regions) {
      regions.push_back({{"name", region.name},
                         {"regionalReplicaCount", region.replicas},
                         {"storageAccountType", region.storage}});
    }
    if (regions.empty()) {
      regions.push_back({{"name", home}, {"regionalReplicaCount", 1}});
    }
    json publishing = {{"targetRegions", std::move(regions)},
                       {"replicationMode", options_.replication_mode},
                       {"excludeFromLatest", options_.exclude_from_latest}};
    if (!options_.end_of_life.empty()) {
      publishing["endOfLifeDate"] = options_.end_of_life + "T00:00:00Z";
    }
    return {{"location", home},
            {"tags", tags_of(output_, context)},
            {"properties",
             {{"publishingProfile", publishing}, {"storageProfile", std::move(profile)}}}};
  }

  [[nodiscard]] Artifact artifact(const std::string& id, std::uint64_t size) const {
    Artifact result;
    result.run_output_name = output_.name;
    result.type = "SharedImage";
    result.artifact_id = id;
    result.size_bytes = size;
    for (const auto& [name, value] : output_.tags) result.details["tag:" + name] = value;
    return result;
  }

  RunOutput output_;
  SharedImageOptions options_;
};

}  // namespace

std::unique_ptr<Distributor> make_shared_image_target(RunOutput output,
                                                      SharedImageOptions options) {
  return std::make_unique<SharedImageTarget>(std::move(output), std::move(options));
}

}  // namespace kiln
