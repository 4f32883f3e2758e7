#include "uploaders/pageblob/upload_target.h"

#include <algorithm>
#include <random>
#include <thread>

#include "disk/formats/vhd_footer.h"

namespace kiln {
namespace {

// One Get Page Ranges answer of this much disk stays below about 3 MiB, however fragmented.
constexpr std::uint64_t kListWindow = 4 * kGiB;
// Marks the blob as this upload's own, so that cleaning up never deletes somebody else's. The same
// number is the blob's sequence number.
constexpr const char* kUploadMark = "kilnupload";
constexpr auto kCleanupLimit = std::chrono::seconds(20);
// As many as requests may have been given up in flight, and some more.
constexpr unsigned kCleanupAttempts = 12;
constexpr auto kCleanupPause = std::chrono::milliseconds(50);

std::string mark_text(std::uint64_t mark) {
  return fmt::format("{:016x}", mark);
}

/// Exact as a double, too, since that is how programs in JavaScript read a sequence number.
std::uint64_t new_mark() {
  std::random_device random;
  const auto high = static_cast<std::uint64_t>(random() & 0x1FFFFFU) << 32U;
  return high | random();
}

}  // namespace

bool is_own(const BlobProperties& found, std::uint64_t mark) {
  const auto text = found.metadata.find(kUploadMark);
  return found.type == "PageBlob" && found.sequence == mark && text != found.metadata.end() &&
         text->second == mark_text(mark);
}

Error already_there(const PageBlobTarget& target) {
  return fail(ErrorKind::kRemote,
              "Storage:BlobAlreadyExists",
              "{} already exists",
              target.location.plain())
      .cure("choose another name, delete the blob, or allow overwriting (--overwrite)");
}

Result<void> require_size(const PageBlobTarget& target,
                          const std::optional<BlobProperties>& found,
                          std::uint64_t size) {
  if (!found) {
    return fail(ErrorKind::kNotFound,
                "Storage:BlobNotFound",
                "{} does not exist",
                target.location.plain())
        .cure(
            "create the disk or the blob first; a disk takes data only while it has an access SAS");
  }
  if (found->type != "PageBlob") {
    return fail(ErrorKind::kRemote,
                "Storage:InvalidBlobType",
                "{} is a {}, not a page blob",
                target.location.plain(),
                found->type)
        .cure("delete it, or choose another name");
  }
  if (found->size == size) return {};
  return fail(ErrorKind::kRemote,
              "Storage:OtherSize",
              "{} has {} bytes, the VHD has {}",
              target.location.plain(),
              found->size,
              size)
      .cure("create the disk with the VHD's size (uploadSizeBytes), its footer included");
}

UploadTarget::UploadTarget(const PageBlobTarget& target,
                           const UploadOptions& options,
                           const UploadContext& context,
                           UploadJournal& journal,
                           std::uint64_t size)
    : target_(target),
      options_(options),
      context_(context),
      journal_(journal),
      size_(size),
      mark_(journal.mark().value_or(new_mark())) {}

PageBlobOptions UploadTarget::options() const {
  auto options = options_.blob;
  if (!options_.existing) options.sequence = mark_;
  if (blob_) options.service_version = blob_->service_version();
  return options;
}

Result<PageRangeSet> UploadTarget::prepare() {
  KILN_TRY_ASSIGN(auto blob, PageBlob::open(target_, options()));
  blob_.emplace(std::move(blob));
  if (journal_.mark()) {
    KILN_TRY_ASSIGN(auto there, resume());
    if (there) return *std::move(there);
    notice(context_.events,
           fmt::format("{} is not as the earlier upload left it: starting over",
                       target_.location.plain()));
  }
  KILN_TRY(options_.existing ? empty() : create());
  return PageRangeSet();
}

/// Nothing where the blob is not what the journal is about.
Result<std::optional<PageRangeSet>> UploadTarget::resume() {
  KILN_TRY_ASSIGN(const auto found, blob_->properties(context_.cancel));
  const bool same = found && found->size == size_ &&
                    (options_.existing ? found->type == "PageBlob" : is_own(*found, mark_));
  if (!same) return std::nullopt;
  KILN_TRY_ASSIGN(auto there, all_pages());
  // A footer says that the upload is complete.
  if (!there.within(size_ - kVhdFooterSize, size_).ranges().empty()) {
    KILN_TRY(blob_->clear_pages(size_ - kVhdFooterSize, kVhdFooterSize, context_.cancel));
    there = there.within(0, size_ - kVhdFooterSize);
  }
  journal_.keep_only(there);
  begun_ = true;
  return there;
}

Result<void> UploadTarget::create() {
  KILN_TRY_ASSIGN(const auto found, blob_->properties(context_.cancel));
  if (found && !options_.overwrite && !is_own(*found, mark_)) return already_there(target_);
  // Noted first: a blob that nobody knows of would stand in the way of the next attempt.
  KILN_TRY(journal_.begin(mark_));
  begun_ = true;
  auto metadata = options_.metadata;
  metadata[kUploadMark] = mark_text(mark_);
  return blob_->create(size_, metadata, options_.overwrite, context_.cancel);
}

/// From the end, where an old footer is, so that a broken upload never passes for an image.
Result<void> UploadTarget::empty() {
  KILN_TRY_ASSIGN(const auto found, blob_->properties(context_.cancel));
  KILN_TRY(require_size(target_, found, size_));
  KILN_TRY(journal_.begin(mark_));
  for (auto end = size_; end > 0;) {
    const auto begin = (end - 1) / kListWindow * kListWindow;
    KILN_TRY_ASSIGN(const auto old, blob_->page_ranges(begin, end, context_.cancel));
    if (const auto& ranges = old.ranges(); !ranges.empty()) {
      const auto first = ranges.front().offset;
      const auto last = ranges.back().offset + ranges.back().length;
      KILN_TRY_WHILE(blob_->clear_pages(first, last - first, context_.cancel),
                     "clearing what the blob held before");
    }
    end = begin;
  }
  return {};
}

Result<PageRangeSet> UploadTarget::all_pages() {
  PageRangeSet all;
  for (std::uint64_t begin = 0; begin < size_; begin += kListWindow) {
    const auto end = std::min(begin + kListWindow, size_);
    KILN_TRY_ASSIGN(const auto pages, blob_->page_ranges(begin, end, context_.cancel));
    for (const auto& range : pages.ranges()) all.add(range);
  }
  return all;
}

Result<void> UploadTarget::clear_all_but(const PageRangeSet& sent, const PageRangeSet& there) {
  const auto rest = there.without(sent);
  for (const auto& range : rest.ranges()) {
    KILN_TRY_WHILE(blob_->clear_pages(range.offset, range.length, context_.cancel),
                   "clearing what an earlier upload sent");
  }
  return {};
}

Error UploadTarget::wrong(std::string_view what) const {
  return fail(ErrorKind::kRemote,
              "Storage:VerifyFailed",
              "{} is not what was uploaded: {}",
              target_.location.plain(),
              what)
      .cure("make sure that nobody else writes to this blob, then upload again");
}

Result<void> UploadTarget::verify(const PageRangeSet& sent) {
  KILN_TRY_ASSIGN(const auto found, blob_->properties(context_.cancel));
  if (!found) return wrong("it has disappeared");
  if (found->type != "PageBlob" || found->size != size_) {
    return wrong(fmt::format("a {} of {} bytes", found->type, found->size));
  }
  KILN_TRY_ASSIGN(const auto pages, all_pages());
  if (pages.ranges() == sent.ranges()) return {};
  const auto [have, want] = std::ranges::mismatch(pages.ranges(), sent.ranges());
  const auto at = std::min(have == pages.ranges().end() ? size_ : have->offset,
                           want == sent.ranges().end() ? size_ : want->offset);
  return wrong(fmt::format("its pages differ from byte {} on", at));
}

Error UploadTarget::clean_up(Error cause) {
  if (options_.temporary) journal_.remove();
  if (options_.existing || !begun_) return cause;
  const bool beyond_use = cause.code() == "Storage:VerifyFailed" ||
                          cause.code() == "Storage:SequenceNumberConditionNotMet" ||
                          cause.code() == "Storage:BlobAlreadyExists";
  if (journal_.kept() && !options_.temporary && !beyond_use) return cause;
  journal_.remove();
  auto removed = remove_own();
  if (!removed) {
    return std::move(cause).followed_by(
        std::move(removed).error().while_doing("deleting the unfinished blob"));
  }
  if (*removed) {
    notice(context_.events,
           fmt::format("the unfinished blob {} was deleted", target_.location.plain()));
  }
  return cause;
}

Result<bool> UploadTarget::remove_own() {
  auto quick = options();
  quick.retry = impatient(quick.retry);
  quick.http.longest = kCleanupLimit;
  quick.gate.reset();  // a pause that the service asked for may be long
  const CancelToken never;
  KILN_TRY_ASSIGN(auto blob, PageBlob::open(target_, quick));
  for (unsigned attempt = 1;; ++attempt) {
    KILN_TRY_ASSIGN(const auto found, blob.properties(never));
    if (!found || !is_own(*found, mark_)) return false;
    auto removed = blob.remove(found->etag, never);
    if (removed) return true;
    // The service still wrote a page whose request had been given up, and the ETag is another.
    const bool written = removed.error().code() == "Storage:ConditionNotMet";
    if (!written || attempt == kCleanupAttempts) return std::move(removed).error();
    std::this_thread::sleep_for(attempt * kCleanupPause);
  }
}

}  // namespace kiln
