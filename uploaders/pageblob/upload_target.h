#pragma once

#include "uploaders/pageblob/upload.h"
#include "uploaders/pageblob/upload_journal.h"

namespace kiln {

/// The blob of one upload: makes it, or makes room in one that exists, or finds what an earlier
/// process left; at the end verifies it, or removes it. Used by the upload's own thread.
class UploadTarget {
 public:
  /// All outlive the object.
  /// @param size bytes of the blob
  UploadTarget(const PageBlobTarget& target,
               const UploadOptions& options,
               const UploadContext& context,
               UploadJournal& journal,
               std::uint64_t size);

  /// @return the pages that hold data already, all of them this upload's
  Result<PageRangeSet> prepare();
  [[nodiscard]] PageBlob& blob() { return *blob_; }
  /// What whoever writes pages of it has to open it with.
  [[nodiscard]] PageBlobOptions options() const;
  /// Clears what an earlier process sent and this one did not.
  Result<void> clear_all_but(const PageRangeSet& sent, const PageRangeSet& there);
  /// The service's own word: size, type, and that exactly these pages hold data.
  Result<void> verify(const PageRangeSet& sent);
  /// Deletes what this upload created, and nothing else; works after cancellation, too. With a
  /// journal the blob stays, for the upload to go on, unless it is beyond use.
  Error clean_up(Error cause);

 private:
  Result<std::optional<PageRangeSet>> resume();
  Result<void> create();
  Result<void> empty();
  Result<PageRangeSet> all_pages();
  [[nodiscard]] Result<bool> remove_own();
  [[nodiscard]] Error wrong(std::string_view what) const;

  const PageBlobTarget& target_;
  const UploadOptions& options_;
  const UploadContext& context_;
  UploadJournal& journal_;
  std::uint64_t size_;
  std::uint64_t mark_ = 0;
  bool begun_ = false;  ///< there may be a blob to clean up
  std::optional<PageBlob> blob_;
};

/// Whether a blob is the one that the mark's upload made.
bool is_own(const BlobProperties& found, std::uint64_t mark);
/// An existing blob takes a VHD of its own size and no other.
Result<void> require_size(const PageBlobTarget& target,
                          const std::optional<BlobProperties>& found,
                          std::uint64_t size);
Error already_there(const PageBlobTarget& target);

}  // namespace kiln
