#pragma once

#include <algorithm>

#include "disk/convert/fixed_vhd.h"
#include "disk/formats/vhd_footer.h"
#include "tests/support/matchers.h"
#include "tests/support/recording_sink.h"
#include "tests/uploaders/support/azure_service.h"
#include "tests/uploaders/support/pattern_disk.h"
#include "uploaders/pageblob/upload.h"

namespace kiln::test {

/// Quick retries, so that tests of failures do not wait.
inline UploadOptions quick_options() {
  UploadOptions options;
  options.blob.retry.first_delay = std::chrono::milliseconds(20);
  options.blob.retry.longest_delay = std::chrono::milliseconds(1500);
  options.blob.retry.attempts = 5;
  return options;
}

/// 40 MiB with data in the first granule, across a 4 MiB boundary, in one page, in a run longer
/// than a request, and at the very end, which is no whole MiB.
inline PatternDisk sparse_disk(std::uint64_t seed = 1) {
  return PatternDisk(40 * kMiB + 37 * 512,
                     {{0, 64 * kKiB},
                      {4 * kMiB - 64 * kKiB, 128 * kKiB},
                      {7 * kMiB + 512, 512},
                      {10 * kMiB, 9 * kMiB + 4096},
                      {40 * kMiB, 37 * 512}},
                     seed);
}

inline constexpr std::uint64_t kPiece = 256 * kKiB;

/// Forty-eight pieces of a request each, so that it is known what is sent twice.
inline PatternDisk pieces(std::uint64_t seed = 1) {
  std::vector<PatternDisk::Range> ranges;
  for (std::uint64_t i = 0; i < 48; ++i) ranges.emplace_back(i * 2 * kPiece, kPiece);
  return PatternDisk(96 * kPiece, std::move(ranges), seed);
}

/// True if the blob is exactly the disk, padded to whole MiB, and its footer.
inline ::testing::AssertionResult is_vhd_of(const std::string& blob, const PatternDisk& disk) {
  const auto size = azure_virtual_size(disk.size());
  if (blob.size() != size + kVhdFooterSize) {
    return ::testing::AssertionFailure() << "size is " << blob.size();
  }
  std::vector<std::byte> expected(size);
  disk.fill(0, expected);
  const auto contents = std::as_bytes(std::span(blob));
  const auto [want, have] = std::mismatch(expected.begin(), expected.end(), contents.begin());
  if (want != expected.end()) {
    return ::testing::AssertionFailure() << "differs at byte " << want - expected.begin();
  }
  const auto footer = parse_vhd_footer(contents.last(kVhdFooterSize));
  if (!footer) return ::testing::AssertionFailure() << footer.error().describe();
  if (footer->current_size != size || footer->type != VhdType::kFixed || !footer->checksum_valid) {
    return ::testing::AssertionFailure() << "wrong footer of " << footer->current_size;
  }
  return ::testing::AssertionSuccess();
}

class UploadTest : public ::testing::Test {
 protected:
  Result<UploadReport> upload(BlockSource& disk, const PageBlobTarget& target) {
    const UploadContext context{events_, "distribute-01", cancel_.token()};
    return upload_page_blob(disk, target, options_, context);
  }
  Result<void> check(const PageBlobTarget& target, std::uint64_t disk_size = kGiB) {
    const UploadContext context{events_, "distribute-01", cancel_.token()};
    return check_page_blob_target(target, options_, disk_size, context);
  }
  /// Neither errors nor events may repeat a credential.
  void expect_no_secret(const Error& error, const std::string& secret) const {
    EXPECT_EQ(error.describe().find(secret), std::string::npos);
    for (const auto& event : events_.events()) {
      EXPECT_EQ(event.message.find(secret), std::string::npos) << event.message;
    }
  }
  [[nodiscard]] bool was_told(const std::string& text) const {
    const auto notices = events_.messages(EventType::kNotice);
    return std::any_of(notices.begin(), notices.end(), [&](const std::string& message) {
      return message.find(text) != std::string::npos;
    });
  }

  RecordingSink events_;
  CancelSource cancel_;
  UploadOptions options_ = quick_options();
};

}  // namespace kiln::test
