#pragma once

#include <array>
#include <atomic>

#include "disk/convert/content_digest.h"
#include "uploaders/pageblob/chunk_queue.h"
#include "uploaders/pageblob/upload.h"
#include "uploaders/pageblob/upload_journal.h"
#include "uploaders/pageblob/upload_progress.h"

namespace kiln {

/// Sends a disk's data to a blob that is ready for it: the caller's thread walks the disk while
/// workers, each with a connection of its own, write pages.
class PageSender {
 public:
  /// All outlive the object.
  /// @param blob what the workers open the target with
  PageSender(BlockSource& disk,
             const PageBlobTarget& target,
             const UploadOptions& options,
             const PageBlobOptions& blob,
             const UploadContext& context,
             UploadJournal& journal)
      : disk_(disk),
        target_(target),
        options_(options),
        blob_(blob),
        context_(context),
        journal_(journal) {}

  Result<void> run();

  /// The pages that hold data now.
  [[nodiscard]] const PageRangeSet& pages() const { return pages_; }
  [[nodiscard]] const ContentDigest& digest() const { return digest_; }
  [[nodiscard]] std::uint64_t kept_bytes() const { return kept_; }
  [[nodiscard]] unsigned retries() const { return retries_; }

 private:
  Result<void> walk(ChunkQueue& queue, const CancelToken& cancel);
  Result<void> push(ChunkQueue& queue,
                    std::uint64_t offset,
                    Bytes data,
                    const ChunkQueue::Tick& tick);
  void work(ChunkQueue& queue, const CancelToken& cancel);
  Result<void> deliver(PageBlob& blob, const ChunkQueue::Chunk& chunk, const CancelToken& cancel);

  BlockSource& disk_;
  const PageBlobTarget& target_;
  const UploadOptions& options_;
  const PageBlobOptions& blob_;
  const UploadContext& context_;
  UploadJournal& journal_;
  ContentDigest digest_;
  PageRangeSet pages_;
  std::atomic<std::uint64_t> sent_ = 0;
  std::atomic<std::uint64_t> kept_ = 0;
  std::atomic<unsigned> retries_ = 0;
};

/// What a person is told before another attempt.
std::string retry_message(const PageBlobTarget& target,
                          unsigned attempt,
                          const std::string& why,
                          std::chrono::milliseconds delay);

}  // namespace kiln
