#include "disk/extents/shared_source.h"

#include <cstring>
#include <thread>

#include "tests/disk/support/memory_source.h"
#include "tests/support/matchers.h"

namespace kiln::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kBlock = 64 * kKiB;
constexpr SharedSourceOptions kSmall{kBlock, 8, 10s};

std::vector<std::byte> numbered(std::uint64_t size) {
  std::vector<std::byte> contents(size);
  for (std::uint64_t at = 0; at < size; at += sizeof(at)) {
    const auto value = at + 1;
    std::memcpy(contents.data() + at, &value, sizeof(value));
  }
  return contents;
}

/// Walks as deliveries do, and returns what it saw.
Result<std::vector<std::byte>> walk(BlockSource& source,
                                    std::uint64_t chunk,
                                    unsigned workers,
                                    std::chrono::milliseconds pause = 0ms) {
  std::vector<std::byte> seen(source.size());
  WalkOptions options;
  options.largest_chunk = chunk;
  options.workers = workers;
  const auto sink = [&](std::uint64_t offset, Bytes data) -> Result<void> {
    std::ranges::copy(data, seen.begin() + static_cast<std::ptrdiff_t>(offset));
    std::this_thread::sleep_for(pause);
    return {};
  };
  KILN_TRY(walk_data(source, options, sink, {}));
  return seen;
}

std::uint64_t bytes_read(const MemorySource& disk) {
  std::uint64_t sum = 0;
  for (const auto& read : disk.reads) sum += read.length;
  return sum;
}

TEST(SharedSourceTest, EveryBlockIsReadOnceForReadersOfAnySpeedAndShape) {
  const auto contents = numbered(100 * kBlock - 1024);
  MemorySource disk(contents);
  auto sources = share_source(disk, 3, kSmall);
  ASSERT_OK(sources);
  std::vector<Result<std::vector<std::byte>>> seen(3, std::vector<std::byte>());
  {
    std::jthread quick([&] { seen[0] = walk(*(*sources)[0], kBlock, 1); });
    std::jthread slow([&] { seen[1] = walk(*(*sources)[1], 4 * kBlock, 1, 5ms); });
    std::jthread odd([&] { seen[2] = walk(*(*sources)[2], 3 * kBlock, 1, 1ms); });
  }
  for (const auto& one : seen) {
    ASSERT_OK(one);
    EXPECT_TRUE(*one == contents);
  }
  EXPECT_EQ(bytes_read(disk), contents.size());
}

TEST(SharedSourceTest, HolesAreNotRead) {
  const auto contents = numbered(64 * kBlock);
  MemorySource disk(
      contents,
      {{0, 8 * kBlock, false}, {8 * kBlock, 48 * kBlock, true}, {56 * kBlock, 8 * kBlock, false}});
  auto sources = share_source(disk, 2, kSmall);
  ASSERT_OK(sources);
  {
    std::jthread one([&] { EXPECT_OK(walk(*(*sources)[0], kBlock, 1)); });
    std::jthread two([&] { EXPECT_OK(walk(*(*sources)[1], 4 * kBlock, 1)); });
  }
  EXPECT_EQ(bytes_read(disk), 16 * kBlock);
}

TEST(SharedSourceTest, WhoeverEndsEarlyHoldsNobodyUp) {
  MemorySource disk(numbered(64 * kBlock));
  auto sources = share_source(disk, 2, kSmall);
  ASSERT_OK(sources);
  std::vector<std::byte> buffer(kBlock);
  ASSERT_OK((*sources)[0]->read(0, buffer));
  std::jthread ends([&] {
    std::this_thread::sleep_for(50ms);
    (*sources)[0].reset();
  });
  const auto start = std::chrono::steady_clock::now();
  EXPECT_OK(walk(*(*sources)[1], kBlock, 1));
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s) << "far less than the patience";
}

TEST(SharedSourceTest, WhoeverStandsStillIsLeftBehindAndReadsForItself) {
  const auto contents = numbered(64 * kBlock);
  MemorySource disk(contents);
  auto sources = share_source(disk, 2, {kBlock, 8, 50ms});
  ASSERT_OK(sources);
  EXPECT_OK(walk(*(*sources)[1], kBlock, 1));
  const auto late = walk(*(*sources)[0], 4 * kBlock, 1);
  ASSERT_OK(late);
  EXPECT_TRUE(*late == contents);
  EXPECT_GT(bytes_read(disk), contents.size());
}

TEST(SharedSourceTest, AFailureIsEverybodys) {
  MemorySource disk(numbered(64 * kBlock));
  disk.fail_from = 20 * kBlock;
  auto sources = share_source(disk, 2, kSmall);
  ASSERT_OK(sources);
  std::jthread other([&] {
    EXPECT_THAT(walk(*(*sources)[0], kBlock, 2), FailsWith("Test:BadSector"));
    (*sources)[0].reset();
  });
  EXPECT_THAT(walk(*(*sources)[1], 4 * kBlock, 1), FailsWith("Test:BadSector"));
}

}  // namespace
}  // namespace kiln::test
