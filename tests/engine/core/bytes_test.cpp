#include "engine/core/bytes.h"

#include <array>

#include "tests/support/matchers.h"

namespace kiln {
namespace {

TEST(Bytes, ReadsAndWritesBothOrdersAtAnyOffset) {
  std::array<std::byte, 12> buffer{};
  write_be<std::uint32_t>(buffer, 1, 0x01020304);
  EXPECT_EQ(std::to_integer<int>(buffer[1]), 1);
  EXPECT_EQ(std::to_integer<int>(buffer[4]), 4);
  EXPECT_EQ(read_be<std::uint32_t>(buffer, 1), 0x01020304U);
  EXPECT_EQ(read_le<std::uint32_t>(buffer, 1), 0x04030201U);
  write_le<std::uint64_t>(buffer, 3, 0xF1F2F3F4F5F6F7F8U);
  EXPECT_EQ(std::to_integer<int>(buffer[3]), 0xF8);
  EXPECT_EQ(read_le<std::uint64_t>(buffer, 3), 0xF1F2F3F4F5F6F7F8U);
  EXPECT_EQ(read_be<std::uint16_t>(buffer, 9), 0xF2F1U);
}

TEST(Bytes, RoundsUp) {
  EXPECT_EQ(round_up(0, kMiB), 0U);
  EXPECT_EQ(round_up(1, kMiB), kMiB);
  EXPECT_EQ(round_up(kMiB, kMiB), kMiB);
  EXPECT_EQ(round_up(4 * kTiB - 1, kMiB), 4 * kTiB);
}

}  // namespace
}  // namespace kiln
