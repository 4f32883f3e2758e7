#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "uploaders/auth/storage_credential.h"
#include "uploaders/pageblob/page_ranges.h"
#include "uploaders/transport/congestion.h"
#include "uploaders/transport/retry.h"

namespace kiln {

inline constexpr std::uint64_t kLargestPageWrite = 4 * kMiB;  ///< Put Page's limit
inline constexpr std::uint64_t kLargestPageBlob = 8 * kTiB;   ///< Put Blob's limit
inline constexpr std::string_view kNewestServiceVersion = "2021-08-06";

struct PageBlobTarget {
  BlobLocation location;
  StorageCredential credential;
};

enum class PageChecksum { kCrc64, kMd5 };

struct PageBlobOptions {
  std::string service_version{kNewestServiceVersion};  ///< x-ms-version of the first request
  PageChecksum checksum = PageChecksum::kCrc64;        ///< versions before 2019-02-02 get MD5
  RetryPolicy retry;
  HttpOptions http;
  /// The blob's sequence number: create() gives it, and every write demands it, so that what
  /// another upload has put in this one's place is never written into.
  std::optional<std::uint64_t> sequence;
  /// Shared by all who write to the blob; none where only a few requests are to be made.
  std::shared_ptr<CongestionGate> gate;
};

struct BlobProperties {
  std::uint64_t size = 0;  ///< bytes
  std::string type;        ///< PageBlob, BlockBlob, AppendBlob
  std::string etag;
  bool leased = false;
  std::uint64_t sequence = 0;
  std::map<std::string, std::string> metadata;  ///< names in lower case
};

/// The page blob operations of the Blob service's REST interface on one blob, over one connection;
/// for one thread. Transient failures are retried inside, and so is what a credential that has come
/// to its end was refused: once, after it has been renewed.
class PageBlob {
 public:
  static Result<PageBlob> open(PageBlobTarget target, PageBlobOptions options);

  /// Nothing where the blob is absent but its container is there. Settles the service version: one
  /// that the service does not know is followed by the next older one.
  Result<std::optional<BlobProperties>> properties(const CancelToken& cancel);
  /// @param size bytes, a multiple of 512; the blob then reads as zeros
  /// @param replace false fails with Storage:BlobAlreadyExists where there is one
  Result<void> create(std::uint64_t size,
                      const std::map<std::string, std::string>& metadata,
                      bool replace,
                      const CancelToken& cancel);
  /// @param offset multiple of 512, as is data's size; at most kLargestPageWrite
  /// @param crc crc64(data), where it is known already
  Result<void> put_pages(std::uint64_t offset,
                         Bytes data,
                         const CancelToken& cancel,
                         std::optional<std::uint64_t> crc = std::nullopt);
  /// Makes a range read as zeros and leave the list of pages. It may be as long as the blob.
  /// @param offset multiple of 512, as is length
  Result<void> clear_pages(std::uint64_t offset, std::uint64_t length, const CancelToken& cancel);
  /// The pages that hold data in [begin, end).
  Result<PageRangeSet> page_ranges(std::uint64_t begin,
                                   std::uint64_t end,
                                   const CancelToken& cancel);
  /// Deletes the blob if it still has this ETag.
  Result<void> remove(const std::string& etag, const CancelToken& cancel);

  [[nodiscard]] const std::string& service_version() const { return options_.service_version; }
  [[nodiscard]] const PageBlobTarget& target() const { return target_; }
  /// What is really sent: depends on the service version.
  [[nodiscard]] PageChecksum checksum() const;

  /// Told before each wait for another attempt.
  void on_retry(decltype(RetryHooks::waiting) waiting) { waiting_ = std::move(waiting); }

 private:
  struct Call;
  PageBlob(PageBlobTarget target, PageBlobOptions options, std::unique_ptr<HttpSession> session);
  void demand_sequence(Call& call) const;
  Result<Exchange> exchange(const Call& call, const CancelToken& cancel);
  Result<Exchange> exchange_authorized(const Call& call, const CancelToken& cancel);
  Result<Exchange> exchange_once(const Call& call, const CancelToken& cancel);
  [[nodiscard]] Error error(const Exchange& exchange, const std::string& verb) const;

  PageBlobTarget target_;
  PageBlobOptions options_;
  std::unique_ptr<HttpSession> session_;
  decltype(RetryHooks::waiting) waiting_;
  bool version_settled_ = false;
  Secret used_;  ///< of a credential that can be renewed: what the last attempt was made with
};

}  // namespace kiln
