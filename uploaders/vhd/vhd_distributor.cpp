#include "uploaders/vhd/vhd_distributor.h"

#include <algorithm>
#include <array>
#include <variant>

#include "engine/core/redact.h"
#include "engine/core/text.h"
#include "engine/core/uri.h"
#include "uploaders/arm/azure_access.h"
#include "uploaders/local_folder/local_file.h"
#include "uploaders/pageblob/upload.h"
#include "uploaders/run_output.h"
#include "uploaders/transport/fetcher.h"

namespace kiln {
namespace {

using Tags = std::map<std::string, std::string>;

constexpr std::array kFields = {
    kRunOutputNameField,
    kArtifactTagsField,
    Field{.name = "uri",
          .help = "a path, a file: URI or a page blob's URL; the output folder where absent",
          .since = ApiVersion::k2022July},
};

constexpr std::array kHints = {
    Hint{.name = "vhdUri", .field = "uri"},
    Hint{.name = "blobUri", .field = "uri"},
};

std::string hex(Bytes data) {
  std::string text;
  for (const auto byte : data) text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  return text;
}

Artifact make_artifact(const RunOutput& output) {
  Artifact artifact;
  artifact.run_output_name = output.name;
  artifact.type = "VHD";
  for (const auto& [name, value] : output.tags) artifact.details["tag:" + name] = value;
  return artifact;
}

class VhdDistributor : public Distributor {
 public:
  explicit VhdDistributor(RunOutput output) : output_(std::move(output)) {}
  [[nodiscard]] std::string_view type() const override { return "VHD"; }
  [[nodiscard]] const std::string& run_output_name() const override { return output_.name; }

 protected:
  [[nodiscard]] const RunOutput& output() const { return output_; }

 private:
  RunOutput output_;
};

/// A path as the template gives it; relative to the working folder, as every path is that a user
/// names for output.
class VhdFile : public VhdDistributor {
 public:
  /// @param path empty for the output folder; with a trailing slash for a folder
  VhdFile(RunOutput output, std::filesystem::path path)
      : VhdDistributor(std::move(output)), path_(std::move(path)) {}

  [[nodiscard]] std::string target_key() const override {
    return names_file() ? "file " + path_.lexically_normal().string() : "";
  }
  [[nodiscard]] bool takes_suggested_name() const override { return !names_file(); }

  [[nodiscard]] std::string describe() const override {
    if (path_.empty()) return "fixed VHD in the output folder";
    return "fixed VHD " + path_.string();
  }

  [[nodiscard]] Result<void> check(const DistributeContext& context,
                                   std::uint64_t disk_size) const override {
    const auto path = target(context, context.suggested_name);
    const bool named = names_file() || !context.suggested_name.empty();
    return check_local_file(path.parent_path(),
                            named ? std::optional(path.filename().string()) : std::nullopt,
                            context,
                            disk_size);
  }

  [[nodiscard]] std::vector<std::filesystem::path> partial_files(
      const DistributeContext& context) const override {
    return {partial_vhd(target(context, context.suggested_name))};
  }

  Result<Artifact> distribute(FinishedDisk& disk, const DistributeContext& context) const override {
    const auto path = target(context, disk.suggested_name);
    KILN_TRY_ASSIGN(const auto vhd, deliver_local_file(disk, path, context));
    auto artifact = make_artifact(output());
    artifact.artifact_uri = path.string();
    artifact.size_bytes = vhd.virtual_size + 512;
    artifact.sent_bytes = vhd.data_bytes;
    artifact.details["contentDigest"] = hex(vhd.content);
    return artifact;
  }

 private:
  [[nodiscard]] bool names_file() const {
    std::error_code error;
    return !path_.empty() && path_.has_filename() && !std::filesystem::is_directory(path_, error);
  }

  [[nodiscard]] std::filesystem::path target(const DistributeContext& context,
                                             const std::string& name) const {
    const auto path = names_file()    ? path_
                      : path_.empty() ? context.output_folder / (name + ".vhd")
                                      : path_ / (name + ".vhd");
    return std::filesystem::absolute(path).lexically_normal();
  }

  std::filesystem::path path_;
};

class VhdBlob : public VhdDistributor {
 public:
  VhdBlob(RunOutput output,
          BlobLocation location,
          const Environment& environment,
          PageBlobOptions options)
      : VhdDistributor(std::move(output)),
        location_(std::move(location)),
        environment_(environment),
        options_(std::move(options)) {}

  [[nodiscard]] std::string target_key() const override {
    return location_.blob.empty() ? "" : "blob " + location_.plain();
  }
  [[nodiscard]] bool takes_suggested_name() const override { return location_.blob.empty(); }

  [[nodiscard]] std::string describe() const override {
    return fmt::format("fixed VHD as the page blob {}{}",
                       location_.plain(),
                       location_.blob.empty() ? "/(name of the image).vhd" : "");
  }

  [[nodiscard]] Result<void> check(const DistributeContext& context,
                                   std::uint64_t disk_size) const override {
    // Any name does for asking whether the container answers.
    const auto name =
        context.suggested_name.empty() ? "kiln-check-of-container" : context.suggested_name;
    KILN_TRY_ASSIGN(const auto target, find_target(context, name));
    if (location_.url.scheme == "http" && !is_loopback(location_.url)) {
      warning(context.events, fmt::format("{} is not encrypted: use https", location_.plain()));
    }
    const auto metadata = metadata_from_tags(context.events);
    return check_page_blob_target(
        target, upload_options(context, metadata), disk_size, upload_context(context));
  }

  Result<Artifact> distribute(FinishedDisk& disk, const DistributeContext& context) const override {
    KILN_TRY_ASSIGN(const auto target, find_target(context, disk.suggested_name));
    const auto metadata = metadata_from_tags(null_sink());  // said in check()
    KILN_TRY_ASSIGN(
        const auto report,
        upload_page_blob(
            disk.blocks, target, upload_options(context, metadata), upload_context(context)));
    auto artifact = make_artifact(output());
    artifact.artifact_uri = target.location.plain();
    artifact.size_bytes = report.blob_size;
    artifact.sent_bytes = report.sent_bytes;
    artifact.details["contentDigest"] = hex(report.content);
    artifact.details["serviceVersion"] = report.service_version;
    artifact.details["transferChecksum"] =
        report.checksum == PageChecksum::kCrc64 ? "crc64" : "md5";
    artifact.details["zeroBytes"] = std::to_string(report.zero_bytes);
    artifact.details["retries"] = std::to_string(report.retries);
    return artifact;
  }

 private:
  [[nodiscard]] Result<PageBlobTarget> find_target(const DistributeContext& context,
                                                   const std::string& name) const {
    PageBlobTarget target;
    target.location = location_.blob.empty() ? location_.with_blob(name + ".vhd") : location_;
    auto found = find_storage_credential(target.location, environment_, context.redactor);
    if (!found && found.error().code() == "Auth:NoCredential" && context.azure != nullptr) {
      found = context.azure->storage_credential(target.location);
    }
    if (!found) return std::move(found).error();
    target.credential = *std::move(found);
    return target;
  }

  [[nodiscard]] UploadOptions upload_options(const DistributeContext& context,
                                             Tags metadata) const {
    UploadOptions options;
    options.blob = options_;
    if (context.azure != nullptr) {
      options.blob.http.ca_file = context.azure->options().http.ca_file;
      if (context.azure->cloud().stack_hub) {
        options.blob.service_version = context.azure->cloud().storage_version;
      }
    }
    options.overwrite = context.overwrite;
    options.metadata = std::move(metadata);
    options.journal = context.journal;
    return options;
  }

  static UploadContext upload_context(const DistributeContext& context) {
    return {context.events, context.step_id, context.cancel};
  }

  /// Blob metadata has stricter names than artifact tags, and travels in HTTP headers.
  [[nodiscard]] Tags metadata_from_tags(EventSink& events) const {
    Tags metadata;
    for (const auto& [name, value] : output().tags) {
      const bool printable = std::all_of(value.begin(), value.end(), [](char c) {
        return static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x7F;
      });
      if (valid_metadata_name(name) && printable && !value.empty() && trim(value) == value) {
        metadata[name] = value;
      } else {
        notice(events,
               fmt::format("the artifact tag {} cannot be blob metadata (letters and digits in the "
                           "name, printable ASCII in the value) and stays in the run record only",
                           name));
      }
    }
    return metadata;
  }

  BlobLocation location_;
  const Environment& environment_;
  PageBlobOptions options_;
};

Result<std::filesystem::path> parse_path(const JsonReader& place, const std::string& uri) {
  auto path = local_path(uri, {});
  if (path) return path;
  return std::move(path).error().at(place.where());
}

}  // namespace

constexpr RecordType kVhdType{
    .name = "VHD",
    .help = "fixed VHD in the output folder, in a file, or in a page blob (uri)",
    .fields = kFields,
    .hints = kHints,
    .discriminated = true,
    .since = ApiVersion::k2019Preview,
    .former = "vhd"};

Result<std::unique_ptr<Distributor>> parse_vhd_distributor(const Record& record,
                                                           const ContractContext& context,
                                                           const Environment& environment,
                                                           const PageBlobOptions& blob) {
  auto output = parse_run_output(record, context);
  const auto uri = record.text("uri");
  if (uri.empty()) return std::make_unique<VhdFile>(std::move(output), "");
  const auto& place = record.at("uri");
  KILN_TRY(check_uri(place, uri));
  if (!is_http_url(uri)) {
    KILN_TRY_ASSIGN(auto path, parse_path(place, uri));
    return std::make_unique<VhdFile>(std::move(output), std::move(path));
  }
  auto location = parse_blob_location(uri);
  if (!location) return std::move(location).error().at(place.where());
  return std::make_unique<VhdBlob>(std::move(output), *std::move(location), environment, blob);
}

}  // namespace kiln
