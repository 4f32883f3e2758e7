#pragma once

#include <chrono>
#include <deque>
#include <vector>

#include "uploaders/delivery_progress.h"
#include "uploaders/pageblob/upload.h"

namespace kiln {

/// Bytes of one upload so far.
struct UploadAmounts {
  std::uint64_t walked = 0;   ///< of the disk, from its beginning, that were looked at
  std::uint64_t waiting = 0;  ///< of these, not acknowledged yet
  std::uint64_t sent = 0;     ///< acknowledged
  std::uint64_t kept = 0;     ///< sent by an earlier process
};

/// Tells how far an upload is: events with the disk's bytes, and as fields sentBytes, keptBytes,
/// zeroBytes, and where they are known bytesPerSecond (of the last half minute) and secondsLeft.
class UploadProgress {
 public:
  /// @param extents of the disk
  UploadProgress(const UploadContext& context,
                 const std::string& blob,
                 std::vector<Extent> extents);
  void update(const UploadAmounts& now);

 private:
  struct Sample {
    std::chrono::steady_clock::time_point time;
    std::uint64_t sent = 0;
    std::uint64_t data = 0;
  };
  [[nodiscard]] std::uint64_t data_before(std::uint64_t offset) const;
  void take_sample(std::uint64_t sent, std::uint64_t data);

  DeliveryProgress events_;
  std::vector<Extent> extents_;
  std::vector<std::uint64_t> data_;  ///< bytes of data in all extents before each
  std::uint64_t size_ = 0;
  std::uint64_t data_total_ = 0;
  std::deque<Sample> samples_;  ///< of the last half minute
};

}  // namespace kiln
