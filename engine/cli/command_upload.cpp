// `kiln upload IMAGE TARGET`
#include <unistd.h>

#include <fmt/format.h>

#include "disk/convert/open_image.h"
#include "disk/image/probe.h"
#include "engine/cli/cloud_flags.h"
#include "engine/cli/services.h"
#include "engine/core/digest.h"
#include "engine/core/file.h"
#include "engine/core/temp_dir.h"
#include "engine/core/text.h"
#include "uploaders/pageblob/upload.h"

namespace kiln {
namespace {

struct UploadFlags {
  std::filesystem::path image;
  std::string target;
  bool existing = false;
  bool overwrite = false;
  CloudFlags cloud;
  unsigned workers = UploadOptions().workers;
  unsigned retry_delay_ms = 1000;
};

/// Other users can see a command line, so a URL with a signature comes in a file.
Result<std::string> read_target(const std::string& argument) {
  constexpr std::uint64_t kLongest = 64 * kKiB;
  if (argument.starts_with('@')) {
    KILN_TRY_ASSIGN(const auto text, read_file(argument.substr(1), kLongest));
    return std::string(trim(text));
  }
  if (argument.find('?') == std::string::npos) return argument;
  return fail(ErrorKind::kInvalidTemplate,
              "Upload:SignatureShown",
              "a signature on the command line can be seen by every user of this host")
      .cure(
          "write the URL into a file that only you can read, and give @FILE instead; or give the "
          "signature as AZURE_STORAGE_SAS_TOKEN");
}

Result<BlobLocation> find_location(const UploadFlags& flags) {
  KILN_TRY_ASSIGN(const auto text, read_target(flags.target));
  KILN_TRY_ASSIGN(auto location, parse_blob_location(text));
  if (!location.blob.empty()) return location;
  return location.with_blob(flags.image.stem().string() + ".vhd");
}

/// What the service would find out at the very end.
Result<ImageInfo> check_image(const std::filesystem::path& path, EventSink& events) {
  KILN_TRY_ASSIGN(auto image, probe_image(path));
  for (const auto& line : image.warnings) warning(events, line);
  const auto extension = to_lower(path.extension().string());
  if (image.format == DiskFormat::kRaw && (extension == ".vhd" || extension == ".vhdx")) {
    return fail(ErrorKind::kCorruptImage,
                "Upload:NoFooter",
                "{} has neither a VHD's footer nor a VHDX's header",
                path.string())
        .cure("copy the file again; a raw disk is taken if its name says so (.raw, .img)");
  }
  return image;
}

/// One journal for each image and target.
std::filesystem::path journal_of(const Settings& settings,
                                 const ImageInfo& image,
                                 const BlobLocation& location) {
  const auto name = sha256_hex(image.path.string() + "\n" + location.plain()).substr(0, 32);
  return std::filesystem::absolute(settings.state_folder) / "uploads" / (name + ".journal");
}

ExitCode print_report(const Settings& settings,
                      const BlobLocation& location,
                      const UploadReport& report) {
  print_result(settings,
               fmt::format("{}  {}, {} sent\n",
                           location.plain(),
                           format_bytes(report.blob_size),
                           format_bytes(report.sent_bytes)),
               {{"artifactUri", location.plain()},
                {"sizeBytes", report.blob_size},
                {"sentBytes", report.sent_bytes},
                {"keptBytes", report.kept_bytes},
                {"zeroBytes", report.zero_bytes},
                {"retries", report.retries},
                {"serviceVersion", report.service_version}});
  return ExitCode::kOk;
}

Result<ExitCode> upload(const UploadFlags& flags, Services& services) {
  auto display = make_display(services.settings);
  PageBlobTarget target;
  KILN_TRY_ASSIGN(target.location, find_location(flags));
  KILN_TRY_ASSIGN(const auto image, check_image(flags.image, *display));
  KILN_TRY_ASSIGN(auto cloud, flags.cloud.choose(services.cancel));
  const auto azure = flags.cloud.access(std::move(cloud), services);
  KILN_TRY_ASSIGN(target.credential, azure->storage_credential(target.location));
  UploadOptions options;
  options.blob.service_version = azure->cloud().storage_version;
  options.blob.http = azure->options().http;
  options.existing = flags.existing;
  options.overwrite = flags.overwrite;
  options.workers = flags.workers;
  options.blob.retry.first_delay = std::chrono::milliseconds(flags.retry_delay_ms);
  options.journal = journal_of(services.settings, image, target.location);
  const UploadContext context{*display, "", services.cancel};
  KILN_TRY(check_page_blob_target(target, options, image.virtual_size, context));
  KILN_TRY_ASSIGN(const auto folder, TempDir::create());
  KILN_TRY_ASSIGN(const auto disk,
                  open_image(*services.runner, image, folder.path(), services.cancel));
  const auto report = upload_page_blob(*disk, target, options, context);
  if (!report) {
    return Error(report.error())
        .cure("run the same command again: it goes on where this one ended");
  }
  display.reset();
  return print_report(services.settings, target.location, *report);
}

}  // namespace

void add_upload_command(CLI::App& app, Services& services) {
  auto* command = app.add_subcommand("upload", "Send an image to Azure as a fixed VHD");
  auto flags = std::make_shared<UploadFlags>();
  command->add_option("image", flags->image, "VHD, VHDX, qcow2 or raw")->required();
  command
      ->add_option("target",
                   flags->target,
                   "The page blob's URL, or its container's; @FILE reads it from a file")
      ->required();
  flags->cloud.add_to(*command);
  command->add_flag("--existing",
                    flags->existing,
                    "Write into a blob or disk that is there and has the VHD's size");
  command->add_flag("--overwrite", flags->overwrite, "Replace the blob that is there")
      ->excludes("--existing");
  command
      ->add_option("--workers", flags->workers, "Most connections; fewer while the service is busy")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command
      ->add_option("--retry-delay",
                   flags->retry_delay_ms,
                   "Milliseconds before the second attempt; doubled before each further one")
      ->check(CLI::Range(1, 60'000))
      ->capture_default_str();
  command->footer(
      "The footer that is sent is Kiln's own, checked, and comes last. An upload that was cut off\n"
      "goes on when the same command is given again. Credentials come from the environment, as "
      "for\n"
      "`kiln build`, or from a URL in a file. A managed disk takes data at the URL that its "
      "access\n"
      "grant gives (createOption Upload, beginGetAccess): --existing.");
  command->callback([&services, flags] {
    services.command = [&services, flags] { return upload(*flags, services); };
  });
}

}  // namespace kiln
