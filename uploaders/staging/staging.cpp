#include "uploaders/staging/staging.h"

#include "disk/convert/content_digest.h"
#include "disk/convert/fixed_vhd.h"
#include "disk/formats/vhd_footer.h"
#include "engine/core/text.h"
#include "uploaders/pageblob/upload_journal.h"
#include "uploaders/staging/azure_target.h"
#include "uploaders/staging/disk_access.h"

namespace kiln {
namespace {

using nlohmann::json;

/// How long cleaning up may take: after a cancellation, a person waits for it.
constexpr auto kRemovalLimit = std::chrono::minutes(5);

std::string base_name(const DistributeContext& context) {
  return fmt::format("kiln-{}-{}", context.run_id, context.step_id);
}

UploadOptions upload_options(const DistributeContext& context) {
  const auto& azure = *context.azure;
  // All ranges but the footer's begin and end at whole granules.
  KILN_CHECK(ContentDigest::kGranule % azure.cloud().page_alignment == 0);
  UploadOptions options;
  options.blob.service_version = azure.cloud().storage_version;
  options.blob.http = azure.options().http;
  options.journal = context.journal;
  options.temporary = true;
  return options;
}

void remove_journal(const std::filesystem::path& journal) {
  std::error_code ignored;
  std::filesystem::remove(journal, ignored);
}

/// What an attempt that was killed has left.
enum class Leftover {
  kUseless,
  kBegun,  ///< an upload with a journal can go on with it
  kWhole,  ///< only the image is to be made of it
};

/// The upload itself looks whether the journal is about this disk, and which of its pages are
/// there.
Leftover judge(const json& disk, const json& wanted, const DistributeContext& context) {
  const auto size_of = [](const json& body) {
    const auto& creation = part(part(body, "properties"), "creationData");
    return creation.is_object() ? creation.value("uploadSizeBytes", json()) : json();
  };
  std::error_code ignored;
  const bool own = is_marked(disk, context) && size_of(disk) == size_of(wanted) &&
                   same_region(text_member(disk, "location"), text_member(wanted, "location")) &&
                   !context.journal.empty() && std::filesystem::exists(context.journal, ignored);
  if (!own) return Leftover::kUseless;
  const auto state = property(disk, "diskState");
  if (state == "ActiveUpload" || state == "ReadyToUpload") return Leftover::kBegun;
  // It took its contents and the service found them to be a VHD.
  const bool whole =
      state == "Unattached" &&
      UploadJournal::is_complete(context.journal, size_of(wanted).get<std::uint64_t>());
  return whole ? Leftover::kWhole : Leftover::kUseless;
}

class StagedDisk : public Staging {
 public:
  StagedDisk(const StagingPlace& place, const DistributeContext& context)
      : azure_(*context.azure),
        disk_{
            fmt::format("{}/providers/Microsoft.Compute/disks/{}", place.group, base_name(context)),
            azure_.cloud().disks_version},
        journal_(context.journal) {}

  [[nodiscard]] const std::string& name() const override { return disk_.id; }
  [[nodiscard]] bool is_disk() const override { return true; }
  [[nodiscard]] const UploadReport& report() const override { return report_; }

  Result<void> fill(FinishedDisk& disk,
                    const std::string& location,
                    const DistributeContext& context) {
    KILN_TRY_ASSIGN(auto client, azure_.client());
    KILN_TRY_ASSIGN(const bool whole,
                    prepare(client, body(disk.blocks.size(), location, context), context));
    if (whole) return {};
    KILN_TRY_ASSIGN(const auto access, DiskAccess::grant(azure_, disk_, context.cancel));
    auto options = upload_options(context);
    options.existing = true;
    const PageBlobTarget target{access->location(),
                                {RenewableSas{access}, "the managed disk's access"}};
    KILN_TRY_ASSIGN(
        report_,
        upload_page_blob(
            disk.blocks, target, options, {context.events, context.step_id, context.cancel}));
    KILN_TRY_WHILE(client.post(disk_, "endGetAccess", json(), context.cancel),
                   "letting the service check the VHD");
    return {};
  }

  Result<void> remove() override {
    remove_journal(journal_);
    if (!touched_) return {};
    auto limits = azure_.options();
    limits.retry = impatient(limits.retry);
    limits.longest_operation = kRemovalLimit;
    KILN_TRY_ASSIGN(auto client, azure_.client(limits));
    return discard(client, {});
  }

  /// What an attempt that was killed after it had made the image has left.
  Result<void> remove_left(const DistributeContext& context) {
    KILN_TRY_ASSIGN(auto client, azure_.client());
    KILN_TRY_ASSIGN(const auto found, client.get(disk_, context.cancel));
    touched_ = found && is_marked(*found, context);
    return remove();
  }

 private:
  /// A disk that waits for its contents: what a killed attempt left, where the upload can go on
  /// with that, else a new one. True where it has them all.
  Result<bool> prepare(ArmClient& client, const json& wanted, const DistributeContext& context) {
    KILN_TRY_ASSIGN(const auto found, client.get(disk_, context.cancel));
    const auto leftover = found ? judge(*found, wanted, context) : Leftover::kUseless;
    if (leftover != Leftover::kUseless) {
      notice(context.events, fmt::format("going on with {} of an earlier attempt", disk_.id));
      touched_ = true;
      return leftover == Leftover::kWhole;
    }
    if (found) {
      notice(context.events, fmt::format("{} is left of an earlier attempt: removed", disk_.id));
      KILN_TRY(discard(client, context.cancel));
    }
    touched_ = true;
    KILN_TRY(client.put(disk_, wanted, context.cancel));
    return false;
  }

  /// A disk with an open access cannot be deleted, and closing one that is not full is an error.
  Result<void> discard(ArmClient& client, const CancelToken& cancel) {
    auto removed = client.remove(disk_, cancel);
    if (removed || removed.error().code() != "Arm:OperationNotAllowed") return removed;
    (void)client.post(disk_, "endGetAccess", json(), cancel);
    return client.remove(disk_, cancel);
  }

  [[nodiscard]] json body(std::uint64_t size,
                          const std::string& location,
                          const DistributeContext& context) const {
    json properties = {{"osType", context.image.os_type},
                       {"creationData",
                        {{"createOption", "Upload"},
                         {"uploadSizeBytes", azure_virtual_size(size) + kVhdFooterSize}}}};
    properties["hyperVGeneration"] = context.image.generation;
    return {{"location", location},
            {"tags", run_marks(context)},
            {"sku", {{"name", "Standard_LRS"}}},
            {"properties", std::move(properties)}};
  }

  AzureAccess& azure_;
  ArmResource disk_;
  std::filesystem::path journal_;
  UploadReport report_;
  bool touched_ = false;  ///< there may be something to remove
};

class StagedBlob : public Staging {
 public:
  StagedBlob(PageBlobTarget target, PageBlobOptions options, std::filesystem::path journal)
      : target_(std::move(target)),
        name_(target_.location.plain()),
        options_(std::move(options)),
        journal_(std::move(journal)) {}

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] bool is_disk() const override { return false; }
  [[nodiscard]] const UploadReport& report() const override { return report_; }

  Result<void> fill(FinishedDisk& disk, const DistributeContext& context) {
    auto options = upload_options(context);
    options.overwrite = true;  // its name is this run's own
    options.metadata = {{"kilnrun", context.run_id}, {"kilnstep", context.step_id}};
    KILN_TRY_ASSIGN(
        report_,
        upload_page_blob(
            disk.blocks, target_, options, {context.events, context.step_id, context.cancel}));
    options_.service_version = report_.service_version;
    return {};
  }

  Result<void> remove() override {
    remove_journal(journal_);
    options_.retry = impatient(options_.retry);
    KILN_TRY_ASSIGN(auto blob, PageBlob::open(target_, options_));
    KILN_TRY_ASSIGN(const auto found, blob.properties({}));
    if (!found) return {};
    return blob.remove(found->etag, {});
  }

 private:
  PageBlobTarget target_;
  std::string name_;
  PageBlobOptions options_;
  std::filesystem::path journal_;
  UploadReport report_;
};

Result<std::unique_ptr<StagedBlob>> staged_blob(const DistributeContext& context) {
  auto& azure = *context.azure;
  KILN_TRY_ASSIGN(const auto container, parse_blob_location(azure.staging().url));
  const auto location = container.with_blob(base_name(context) + ".vhd");
  KILN_TRY_ASSIGN(auto credential, azure.storage_credential(location));
  return std::make_unique<StagedBlob>(PageBlobTarget{location, std::move(credential)},
                                      upload_options(context).blob,
                                      context.journal);
}

bool goes_to_blob(const StagingPlace& place, const DistributeContext& context) {
  return !place.disk && !context.azure->staging().url.empty();
}

}  // namespace

Result<std::unique_ptr<Staging>> stage(FinishedDisk& disk,
                                       const StagingPlace& place,
                                       const DistributeContext& context) {
  if (goes_to_blob(place, context)) {
    KILN_TRY_ASSIGN(auto blob, staged_blob(context));
    KILN_TRY(blob->fill(disk, context));
    return blob;
  }
  auto staging = std::make_unique<StagedDisk>(place, context);
  auto filled = staging->fill(disk, place.location, context);
  if (filled) return staging;
  auto error = std::move(filled).error().while_doing("staging the disk " + staging->name());
  auto removed = staging->remove();
  if (removed) return error;
  return std::move(error).followed_by(
      std::move(removed).error().while_doing("removing " + staging->name()));
}

void remove_left_staging(const StagingPlace& place, const DistributeContext& context) {
  const auto remove = [&]() -> Result<void> {
    if (!goes_to_blob(place, context)) return StagedDisk(place, context).remove_left(context);
    KILN_TRY_ASSIGN(const auto blob, staged_blob(context));
    return blob->remove();
  };
  if (auto removed = remove(); !removed) warning(context.events, removed.error().summary());
}

std::map<std::string, std::string> run_marks(const DistributeContext& context) {
  return {{"kiln-run", context.run_id}, {"kiln-step", context.step_id}};
}

}  // namespace kiln
