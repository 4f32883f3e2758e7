#include "uploaders/pageblob/upload.h"

#include "disk/convert/fixed_vhd.h"
#include "disk/formats/vhd_footer.h"
#include "engine/core/text.h"
#include "uploaders/pageblob/page_sender.h"
#include "uploaders/pageblob/upload_target.h"

namespace kiln {
namespace {

class Upload {
 public:
  Upload(BlockSource& disk,
         const PageBlobTarget& target,
         UploadOptions options,
         const UploadContext& context)
      : disk_(disk), target_(target), options_(std::move(options)), context_(context) {
    KILN_CHECK(!options_.existing || options_.metadata.empty());
    options_.blob.gate = std::make_shared<CongestionGate>(options_.workers);
    footer_at_ = azure_virtual_size(disk.size());
    report_.blob_size = footer_at_ + kVhdFooterSize;
  }

  Result<UploadReport> run() {
    KILN_TRY_ASSIGN(
        auto journal,
        UploadJournal::open(options_.journal, {target_.location.plain(), report_.blob_size}));
    UploadTarget target(target_, options_, context_, journal, report_.blob_size);
    auto done = send(target, journal);
    if (const auto trouble = journal.trouble(); !trouble.empty()) {
      warning(context_.events, "this upload cannot be continued after a failure: " + trouble);
    }
    if (!done) return target.clean_up(std::move(done).error());
    options_.temporary ? journal.complete() : journal.remove();
    return report_;
  }

 private:
  Result<void> send(UploadTarget& target, UploadJournal& journal) {
    KILN_TRY_ASSIGN(const auto there, target.prepare());
    // On this thread, so it may speak directly.
    target.blob().on_retry([this](unsigned attempt, const std::string& why, auto delay) {
      ++report_.retries;
      notice(context_.events, retry_message(target_, attempt, why, delay));
    });
    const auto blob = target.options();
    PageSender sender(disk_, target_, options_, blob, context_, journal);
    auto sent = sender.run();
    report_.retries += sender.retries();
    KILN_TRY(sent);
    auto pages = sender.pages();
    KILN_TRY(target.clear_all_but(pages, there));
    report_.content = sender.digest().finish(footer_at_);
    const auto footer = serialize_vhd_footer(azure_fixed_footer(footer_at_, report_.content));
    KILN_TRY_WHILE(target.blob().put_pages(footer_at_, footer, context_.cancel),
                   "writing the VHD footer");
    pages.add({footer_at_, kVhdFooterSize});
    KILN_TRY(target.verify(pages));
    report_.kept_bytes = sender.kept_bytes();
    report_.sent_bytes = pages.bytes() - report_.kept_bytes;
    report_.zero_bytes = report_.blob_size - pages.bytes();
    report_.service_version = target.blob().service_version();
    report_.checksum = target.blob().checksum();
    tell();
    return {};
  }

  void tell() const {
    auto text = fmt::format("{}: {} sent, {} not sent because they are zero",
                            target_.location.blob,
                            format_bytes(report_.sent_bytes),
                            format_bytes(report_.zero_bytes));
    if (report_.kept_bytes > 0) {
      text += fmt::format(", {} had been sent before", format_bytes(report_.kept_bytes));
    }
    notice(context_.events, text);
  }

  BlockSource& disk_;
  const PageBlobTarget& target_;
  UploadOptions options_;
  const UploadContext& context_;
  std::uint64_t footer_at_ = 0;
  UploadReport report_;
};

}  // namespace

Result<void> check_page_blob_target(const PageBlobTarget& target,
                                    const UploadOptions& options,
                                    std::uint64_t disk_size,
                                    const UploadContext& context) {
  const auto size = azure_virtual_size(disk_size) + kVhdFooterSize;
  if (!options.existing && size > kLargestPageBlob) {
    return fail(ErrorKind::kUnsupported,
                "Storage:TooLarge",
                "a disk of {} does not fit into a page blob, which ends at {}",
                format_bytes(disk_size),
                format_bytes(kLargestPageBlob));
  }
  if (const auto* sas = std::get_if<SasToken>(&target.credential.value)) {
    KILN_TRY(check_sas(*sas, std::chrono::system_clock::now()));
  }
  auto quick = options.blob;
  quick.retry = impatient(quick.retry);
  KILN_TRY_ASSIGN(auto blob, PageBlob::open(target, quick));
  KILN_TRY_ASSIGN(const auto found, blob.properties(context.cancel));
  if (options.existing) {
    return require_size(target, found, size);
  }
  if (!found) return {};
  KILN_TRY_ASSIGN(const auto journal,
                  UploadJournal::open(options.journal, {target.location.plain(), size}));
  if (journal.mark() && is_own(*found, *journal.mark())) return {};
  if (!options.overwrite) return already_there(target);
  if (found->leased) {
    return fail(ErrorKind::kRemote,
                "Storage:Leased",
                "{} exists and is leased, so it cannot be replaced",
                target.location.plain())
        .cure("break the lease, or choose another name");
  }
  return {};
}

Result<UploadReport> upload_page_blob(BlockSource& disk,
                                      const PageBlobTarget& target,
                                      const UploadOptions& options,
                                      const UploadContext& context) {
  if (const auto* sas = std::get_if<SasToken>(&target.credential.value)) {
    KILN_TRY(check_sas(*sas, std::chrono::system_clock::now()));
  }
  return Upload(disk, target, options, context).run();
}

}  // namespace kiln
