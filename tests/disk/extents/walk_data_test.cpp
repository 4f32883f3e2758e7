#include <barrier>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "disk/extents/block_source.h"
#include "disk/extents/extent_map.h"
#include "disk/extents/zero.h"
#include "tests/disk/support/memory_source.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

using test::FailsWith;
using test::MemorySource;

bool is_zero_slowly(Bytes bytes) {
  for (const auto byte : bytes) {
    if (byte != std::byte{0}) return false;
  }
  return true;
}

struct Disk {
  std::vector<std::byte> contents;
  std::vector<Extent> extents;
};

/// Runs of random lengths: known zeros, zeros that nobody knows of, and sparse or dense data.
Disk random_disk(std::mt19937_64& random) {
  Disk disk;
  disk.contents.resize((1 + random() % 2000) * 512);
  std::uint64_t at = 0;
  while (at < disk.contents.size()) {
    const auto length =
        std::min<std::uint64_t>((1 + random() % 700) * 512, disk.contents.size() - at);
    const auto kind = random() % 4;
    const auto spacing = kind == 2 ? 1 : 70'000;
    for (std::uint64_t i = at; kind >= 2 && i < at + length; i += 1 + random() % spacing) {
      disk.contents[i] = static_cast<std::byte>(1 + random() % 255);
    }
    const bool zero = kind == 0;
    if (!disk.extents.empty() && disk.extents.back().zero == zero) {
      disk.extents.back().length += length;
    } else {
      disk.extents.push_back({at, length, zero});
    }
    at += length;
  }
  return disk;
}

TEST(WalkDataTest, HandsOnAllDataAndNoZeroGranule) {
  std::mt19937_64 random(4711);
  for (int round = 0; round < 120; ++round) {
    const auto disk = random_disk(random);
    WalkOptions options;
    options.granularity = std::uint64_t{512} << (random() % 8);
    options.largest_chunk = options.granularity * (1 + random() % 20);
    options.workers = static_cast<unsigned>(1 + random() % 4);
    MemorySource source(disk.contents, disk.extents);
    std::vector<std::byte> rebuilt(disk.contents.size());
    std::uint64_t end = 0;
    std::mutex mutex;
    const auto caller = std::this_thread::get_id();
    const auto sink = [&](std::uint64_t offset, Bytes data) -> Result<void> {
      const std::lock_guard lock(mutex);
      const bool at_end = offset + data.size() == disk.contents.size();
      EXPECT_TRUE(options.workers > 1 || offset >= end);
      EXPECT_TRUE(options.workers > 1 || std::this_thread::get_id() == caller);
      EXPECT_EQ(offset % options.granularity, 0U);
      EXPECT_TRUE(data.size() % options.granularity == 0 || at_end);
      EXPECT_LE(data.size(), options.largest_chunk);
      for (std::size_t i = 0; i < data.size(); i += options.granularity) {
        EXPECT_FALSE(is_zero_slowly(
            data.subspan(i, std::min<std::size_t>(options.granularity, data.size() - i))));
      }
      std::ranges::copy(data, rebuilt.begin() + static_cast<std::ptrdiff_t>(offset));
      end = offset + data.size();
      return {};
    };
    std::uint64_t done = 0;
    const auto progress = [&](std::uint64_t now, std::uint64_t total) {
      EXPECT_EQ(std::this_thread::get_id(), caller);
      EXPECT_GE(now, done);
      EXPECT_EQ(total, disk.contents.size());
      done = now;
    };
    ASSERT_OK(walk_data(source, options, sink, progress));
    EXPECT_EQ(done, disk.contents.size());
    EXPECT_TRUE(rebuilt == disk.contents) << "round " << round;
  }
}

TEST(WalkDataTest, ReadsNothingThatIsKnownToBeZero) {
  constexpr std::uint64_t kExtent = 256 * kKiB;
  std::vector<std::byte> contents(4 * kExtent, std::byte{7});
  MemorySource source(contents,
                      {{0, kExtent, true},
                       {kExtent, kExtent, false},
                       {2 * kExtent, kExtent, true},
                       {3 * kExtent, kExtent, false}});
  std::map<std::uint64_t, std::size_t> chunks;
  const auto sink = [&](std::uint64_t offset, Bytes data) -> Result<void> {
    chunks[offset] = data.size();
    return {};
  };
  ASSERT_OK(walk_data(source, {}, sink, {}));
  const std::map<std::uint64_t, std::size_t> expected = {{kExtent, kExtent},
                                                         {3 * kExtent, kExtent}};
  EXPECT_EQ(chunks, expected);
  std::uint64_t read = 0;
  for (const auto& r : source.reads) read += r.length;
  EXPECT_EQ(read, 2 * kExtent);
}

TEST(WalkDataTest, WorkersHandOnAtTheSameTime) {
  MemorySource source(std::vector<std::byte>(2 * kMiB, std::byte{1}));
  WalkOptions options;
  options.largest_chunk = kMiB;
  options.workers = 2;
  std::barrier both(2);  // passed only if two threads are in the sink
  const auto sink = [&](std::uint64_t, Bytes) -> Result<void> {
    both.arrive_and_wait();
    return {};
  };
  ASSERT_OK(walk_data(source, options, sink, {}));
}

TEST(WalkDataTest, StopsAtTheFirstFailure) {
  MemorySource source(std::vector<std::byte>(64 * kMiB, std::byte{1}));
  const auto full = [](std::uint64_t offset, Bytes) -> Result<void> {
    if (offset < 8 * kMiB) return {};
    return fail(ErrorKind::kIo, "Test:DiskFull", "no");
  };
  EXPECT_THAT(walk_data(source, {}, full, {}), FailsWith("Test:DiskFull"));
  EXPECT_EQ(source.reads.size(), 3U);
  WalkOptions parallel;
  parallel.workers = 3;
  EXPECT_THAT(walk_data(source, parallel, full, {}), FailsWith("Test:DiskFull"));
  EXPECT_LT(source.reads.size(), 3U + 8U);

  source.fail_from = 10 * kMiB;
  std::uint64_t handed_on = 0;
  const auto count = [&](std::uint64_t, Bytes data) -> Result<void> {
    handed_on += data.size();
    return {};
  };
  EXPECT_THAT(walk_data(source, {}, count, {}), FailsWith("Test:BadSector"));
  EXPECT_EQ(handed_on, 8 * kMiB);
}

TEST(WalkDataTest, StopsWhenCancelled) {
  MemorySource source(std::vector<std::byte>(64 * kMiB, std::byte{1}));
  CancelSource cancel;
  WalkOptions options;
  options.cancel = cancel.token();
  int chunks = 0;
  const auto sink = [&](std::uint64_t, Bytes) -> Result<void> {
    if (++chunks == 3) cancel.request();
    return {};
  };
  const auto walked = walk_data(source, options, sink, {});
  ASSERT_FALSE(walked.has_value());
  EXPECT_EQ(walked.error().kind(), ErrorKind::kCancelled);
  EXPECT_EQ(chunks, 3);
}

TEST(WalkDataTest, AnEmptyDiskIsDone) {
  MemorySource source(std::vector<std::byte>(kMiB), {{0, kMiB, true}});
  std::uint64_t done = 0;
  const auto sink = [](std::uint64_t, Bytes) -> Result<void> {
    ADD_FAILURE() << "there is no data";
    return {};
  };
  ASSERT_OK(walk_data(source, {}, sink, [&](std::uint64_t now, std::uint64_t) { done = now; }));
  EXPECT_EQ(done, kMiB);
  EXPECT_TRUE(source.reads.empty());
}

TEST(ExtentMapTest, MergesAndTilesWhateverComes) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 200; ++round) {
    ExtentMap map;
    std::vector<bool> zero_sectors;
    for (int i = 0; i < 40; ++i) {
      const auto sectors = random() % 300;
      const bool zero = random() % 2 == 0;
      map.add(sectors * 512, zero);
      zero_sectors.insert(zero_sectors.end(), sectors, zero);
    }
    EXPECT_EQ(map.end(), zero_sectors.size() * 512);
    std::uint64_t end = 0;
    bool first = true;
    bool previous_zero = false;
    for (const auto& extent : map.take()) {
      EXPECT_EQ(extent.offset, end);
      EXPECT_TRUE(first || extent.zero != previous_zero);
      for (auto s = extent.offset / 512; extent.zero && s < (extent.offset + extent.length) / 512;
           ++s) {
        EXPECT_TRUE(zero_sectors[s]) << "data taken for zeros at sector " << s;
      }
      end = extent.offset + extent.length;
      previous_zero = extent.zero;
      first = false;
    }
    EXPECT_EQ(end, zero_sectors.size() * 512);
  }
}

TEST(IsZeroTest, AgreesWithTheSlowWay) {
  std::vector<std::byte> bytes(70);
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    EXPECT_TRUE(is_zero(Bytes(bytes).first(length)));
    for (std::size_t i = 0; i < length; ++i) {
      bytes[i] = std::byte{0x80};
      EXPECT_FALSE(is_zero(Bytes(bytes).first(length))) << i << " of " << length;
      bytes[i] = std::byte{0};
    }
  }
}

}  // namespace
}  // namespace kiln
