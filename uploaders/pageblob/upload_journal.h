#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "engine/core/unique_fd.h"
#include "uploaders/pageblob/page_ranges.h"

namespace kiln {

/// Which upload a journal is about.
struct UploadIdentity {
  std::string blob;        ///< URL, without any signature
  std::uint64_t size = 0;  ///< bytes, the footer included
  bool operator==(const UploadIdentity&) const = default;
};

/// A file that notes what the service has acknowledged, for a later process to go on from. Lines
/// end with a checksum of their own; reading stops at the first that is torn or damaged. A process
/// that is killed loses no line. The file is written through only every half a minute, because that
/// may take seconds and a power cut costs no more than sending the last pages again.
///
///     upload 1 MARK SIZE URL CHECKSUM
///     page OFFSET LENGTH CRC64 CHECKSUM
///     complete CHECKSUM
class UploadJournal {
 public:
  /// Locks the file, so that two processes never continue one upload (Upload:Busy). What is not
  /// about this upload is forgotten.
  /// @param path empty for an upload that keeps no journal
  static Result<UploadJournal> open(const std::filesystem::path& path,
                                    const UploadIdentity& identity);

  /// False for an upload that keeps none.
  [[nodiscard]] bool kept() const { return static_cast<bool>(file_); }
  /// The upload's mark, where an earlier process has begun it.
  [[nodiscard]] const std::optional<std::uint64_t>& mark() const { return mark_; }
  /// Forgets everything and notes a new upload, safe from power cuts, too.
  Result<void> begin(std::uint64_t mark);
  /// Forgets acknowledged pages that are not among those of the blob.
  void keep_only(const PageRangeSet& there);
  /// Whether an earlier process sent exactly this. For any thread, once the pages come.
  [[nodiscard]] bool has(const PageRange& pages, std::uint64_t crc) const;
  /// Notes an acknowledgement. For any thread. A journal that cannot be written must not stop an
  /// upload; `trouble` tells afterwards.
  void add(const PageRange& pages, std::uint64_t crc);
  [[nodiscard]] std::string trouble() const;
  /// Notes that the blob is whole, for who keeps the journal longer than the upload lasts.
  void complete();
  /// Whether the file is an undamaged journal of an upload of that size that became whole; for who
  /// cannot know the blob's URL any more. False where it cannot be read.
  /// @param size bytes, the footer included
  [[nodiscard]] static bool is_complete(const std::filesystem::path& path, std::uint64_t size);
  /// The upload is done or given up.
  void remove();

 private:
  struct Sent {
    std::uint64_t length = 0;
    std::uint64_t crc = 0;
  };
  struct Writing {
    std::mutex mutex;
    std::string trouble;
    std::chrono::steady_clock::time_point synced;
  };

  UploadJournal(std::filesystem::path path, UniqueFd file, UploadIdentity identity)
      : path_(std::move(path)), file_(std::move(file)), identity_(std::move(identity)) {}
  Result<void> read();
  bool read_line(std::string_view line);
  Result<void> append(std::string line);

  std::filesystem::path path_;
  UniqueFd file_;
  UploadIdentity identity_;
  std::optional<std::uint64_t> mark_;
  std::unordered_map<std::uint64_t, Sent> sent_;  ///< by offset; what an earlier process sent
  std::unique_ptr<Writing> writing_ = std::make_unique<Writing>();
};

}  // namespace kiln
