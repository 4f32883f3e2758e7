#include "uploaders/pageblob/upload.h"

#include <algorithm>
#include <atomic>
#include <random>
#include <stop_token>
#include <thread>

#include "disk/convert/content_digest.h"
#include "disk/convert/fixed_vhd.h"
#include "disk/formats/vhd_footer.h"
#include "engine/core/text.h"
#include "uploaders/delivery_progress.h"
#include "uploaders/pageblob/chunk_queue.h"

namespace kiln {
namespace {

// One Get Page Ranges answer of this much disk stays below about 3 MiB, however fragmented.
constexpr std::uint64_t kVerifyWindow = 4 * kGiB;
// Marks the blob as this upload's own, so that cleaning up never deletes somebody else's.
constexpr std::string_view kUploadMark = "kilnupload";
constexpr auto kCleanupLimit = std::chrono::seconds(20);

std::string new_mark() {
  std::random_device random;
  const auto high = static_cast<std::uint64_t>(random()) << 32U;
  return fmt::format("{:016x}", high | random());
}

Error already_there(const PageBlobTarget& target) {
  return fail(ErrorKind::kRemote,
              "Storage:BlobAlreadyExists",
              "{} already exists",
              target.location.plain())
      .cure("choose another name, delete the blob, or allow overwriting (--overwrite)");
}

/// An existing blob takes this VHD and no other.
Result<void> require_same_size(const PageBlobTarget& target,
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

/// Progress as acknowledged by the service: what the walk has passed, but for what still waits or
/// travels. Only used on the caller's thread.
class UploadProgress {
 public:
  UploadProgress(DeliveryProgress& progress, const ChunkQueue& queue)
      : progress_(progress), queue_(queue) {}

  void walked(std::uint64_t done, std::uint64_t total) {
    walked_ = done;
    total_ = total;
    update();
  }

  void update() {
    const auto waiting = queue_.bytes_pushed() - queue_.bytes_written();
    progress_.update(walked_ > waiting ? walked_ - waiting : 0, total_);
  }

 private:
  DeliveryProgress& progress_;
  const ChunkQueue& queue_;
  std::uint64_t walked_ = 0;
  std::uint64_t total_ = 0;
};

class Upload {
 public:
  Upload(BlockSource& disk,
         const PageBlobTarget& target,
         const UploadOptions& options,
         const UploadContext& context)
      : disk_(disk), target_(target), options_(options), context_(context) {
    KILN_CHECK(!options.existing || options.metadata.empty());
    metadata_ = options.metadata;
    metadata_[std::string(kUploadMark)] = new_mark();
    footer_at_ = azure_virtual_size(disk.size());
    report_.blob_size = footer_at_ + kVhdFooterSize;
  }

  Result<UploadReport> run() {
    KILN_TRY_ASSIGN(auto blob, PageBlob::open(target_, options_.blob));
    // On this thread, so it may speak directly.
    blob.on_retry([this](unsigned attempt, const std::string& why, auto delay) {
      ++retries_;
      notice(context_.events, retry_message(attempt, why, delay));
    });
    if (options_.existing) {
      KILN_TRY(empty(blob));
      KILN_TRY(send(blob));
    } else {
      KILN_TRY(require_free_name(blob));
      auto sent = create_and_send(blob);
      if (!sent) return clean_up(std::move(sent).error(), blob);
    }
    report_.service_version = blob.service_version();
    report_.checksum = blob.checksum();
    report_.retries = retries_;
    return report_;
  }

 private:
  [[nodiscard]] std::string retry_message(unsigned attempt,
                                          const std::string& why,
                                          std::chrono::milliseconds delay) const {
    return fmt::format("{}: {}; attempt {} follows in {}",
                       target_.location.plain(),
                       why,
                       attempt + 1,
                       format_duration(delay));
  }

  Result<void> require_free_name(PageBlob& blob) const {
    KILN_TRY_ASSIGN(const auto found, blob.properties(context_.cancel));
    if (found && !options_.overwrite) return already_there(target_);
    return {};
  }

  Result<void> create_and_send(PageBlob& blob) {
    KILN_TRY(blob.create(report_.blob_size, metadata_, options_.overwrite, context_.cancel));
    return send(blob);
  }

  /// From the end, where an old footer is, so that a broken upload never passes for an image.
  Result<void> empty(PageBlob& blob) const {
    KILN_TRY_ASSIGN(const auto found, blob.properties(context_.cancel));
    KILN_TRY(require_same_size(target_, found, report_.blob_size));
    auto end = report_.blob_size;
    while (end > 0) {
      const auto begin = (end - 1) / kVerifyWindow * kVerifyWindow;
      KILN_TRY_ASSIGN(const auto old, blob.page_ranges(begin, end, context_.cancel));
      if (const auto& ranges = old.ranges(); !ranges.empty()) {
        const auto first = ranges.front().offset;
        const auto last = ranges.back().offset + ranges.back().length;
        KILN_TRY_WHILE(blob.clear_pages(first, last - first, context_.cancel),
                       "clearing what the blob held before");
      }
      end = begin;
    }
    return {};
  }

  Result<void> send(PageBlob& blob) {
    KILN_TRY(send_data(blob));
    report_.content = digest_.finish(footer_at_);
    const auto footer = serialize_vhd_footer(azure_fixed_footer(footer_at_, report_.content));
    KILN_TRY_WHILE(blob.put_pages(footer_at_, footer, context_.cancel), "writing the VHD footer");
    sent_.add({footer_at_, kVhdFooterSize});
    report_.sent_bytes = sent_.bytes();
    return verify(blob);
  }

  /// Walks the disk on this thread while the workers write.
  Result<void> send_data(const PageBlob& blob) {
    // One source ends the workers both when the user cancels and when one of them fails.
    CancelSource stop;
    const std::stop_callback link(context_.cancel.stop_token(), [&] { stop.request(); });
    ChunkQueue queue(options_.workers, kLargestPageWrite, stop.token());
    DeliveryProgress events(
        context_.events, context_.step_id, fmt::format("uploading {}", target_.location.blob));
    UploadProgress progress(events, queue);
    std::vector<std::jthread> workers;
    for (unsigned i = 0; i < options_.workers; ++i) {
      workers.emplace_back([&] { work(blob, queue, stop.token()); });
    }
    auto walked = walk(queue, progress, stop.token());
    if (!walked) stop.request();
    queue.close();
    workers.clear();  // joins
    return walked;
  }

  /// The workers' queue hides the disk's latency, so one thread reads: with eight workers' buffers
  /// of 4 MiB, an upload adds less than 40 MiB to the process.
  Result<void> walk(ChunkQueue& queue, UploadProgress& progress, const CancelToken& cancel) {
    const auto tick = [&] {
      for (const auto& message : queue.take_messages()) notice(context_.events, message);
      progress.update();
    };
    WalkOptions walk;
    walk.granularity = ContentDigest::kGranule;
    walk.largest_chunk = kLargestPageWrite;
    walk.cancel = cancel;
    const auto sink = [&](std::uint64_t offset, Bytes data) -> Result<void> {
      digest_.add(offset, data);
      KILN_TRY(queue.push(offset, data, tick));
      sent_.add({offset, data.size()});
      return {};
    };
    KILN_TRY(walk_data(disk_, walk, sink, [&](std::uint64_t done, std::uint64_t total) {
      progress.walked(done, total);
    }));
    return queue.drain(tick);
  }

  /// A worker's whole life, on its own thread and connection.
  void work(const PageBlob& leader, ChunkQueue& queue, const CancelToken& cancel) {
    auto options = options_.blob;
    options.service_version = leader.service_version();
    auto blob = PageBlob::open(target_, options);
    if (!blob) return queue.fail_with(std::move(blob).error());
    blob->on_retry([&](unsigned attempt, const std::string& why, auto delay) {
      ++retries_;
      queue.say(retry_message(attempt, why, delay));
    });
    while (auto chunk = queue.pop()) {
      auto put = blob->put_pages(chunk->offset, chunk->data, cancel);
      if (!put) return queue.fail_with(std::move(put).error());
      queue.written(*std::move(chunk));
    }
  }

  /// The service's own word: size, type, and that exactly the pages we wrote hold data.
  Result<void> verify(PageBlob& blob) {
    const auto wrong = [&](std::string_view what) {
      return fail(ErrorKind::kRemote,
                  "Storage:VerifyFailed",
                  "{} is not what was uploaded: {}",
                  target_.location.plain(),
                  what)
          .cure("make sure that nobody else writes to this blob, then upload again");
    };
    KILN_TRY_ASSIGN(const auto found, blob.properties(context_.cancel));
    if (!found) return wrong("it has disappeared");
    if (found->type != "PageBlob" || found->size != report_.blob_size) {
      return wrong(fmt::format("a {} of {} bytes", found->type, found->size));
    }
    for (std::uint64_t begin = 0; begin < report_.blob_size; begin += kVerifyWindow) {
      const auto end = std::min(begin + kVerifyWindow, report_.blob_size);
      KILN_TRY_ASSIGN(const auto pages, blob.page_ranges(begin, end, context_.cancel));
      if (pages.ranges() != sent_.within(begin, end).ranges()) {
        return wrong(fmt::format("its pages between {} and {} differ", begin, end));
      }
    }
    return {};
  }

  /// Deletes what this upload created, and nothing else; works after cancellation, too.
  Error clean_up(Error cause, const PageBlob& blob) const {
    auto options = options_.blob;
    options.service_version = blob.service_version();
    options.retry = impatient(options.retry);
    options.http.longest = kCleanupLimit;
    auto removed = remove_own(options);
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

  [[nodiscard]] Result<bool> remove_own(const PageBlobOptions& options) const {
    const CancelToken never;
    KILN_TRY_ASSIGN(auto blob, PageBlob::open(target_, options));
    KILN_TRY_ASSIGN(const auto found, blob.properties(never));
    if (!found) return false;
    const auto mark = found->metadata.find(std::string(kUploadMark));
    const bool own =
        mark != found->metadata.end() && mark->second == metadata_.at(std::string(kUploadMark));
    if (!own) return false;
    KILN_TRY(blob.remove(found->etag, never));
    return true;
  }

  BlockSource& disk_;
  const PageBlobTarget& target_;
  const UploadOptions& options_;
  const UploadContext& context_;
  std::map<std::string, std::string> metadata_;
  std::uint64_t footer_at_ = 0;
  ContentDigest digest_;
  PageRangeSet sent_;
  UploadReport report_;
  std::atomic<unsigned> retries_ = 0;
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
    return require_same_size(target, found, size);
  }
  if (!found) return {};
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
