#include "disk/inspect/windows/hive_header.h"

#include <string>

#include <gtest/gtest.h>

#include "engine/core/bytes.h"

namespace kiln::test {
namespace {

std::string header(std::uint32_t first, std::uint32_t second, std::uint32_t change_to_sum = 0) {
  std::string text("regf");
  text.resize(kHiveHeader);
  const MutableBytes bytes = std::as_writable_bytes(std::span(text));
  write_le(bytes, 4, first);
  write_le(bytes, 8, second);
  constexpr std::uint32_t kRegf = 0x66676572;
  write_le(bytes, 508, kRegf ^ first ^ second ^ change_to_sum);
  return text;
}

TEST(HiveHeader, IsCleanWhereBothNumbersAreTheSame) {
  EXPECT_EQ(hive_state(header(7, 7)), HiveState::kClean);
  EXPECT_EQ(hive_state(header(7, 7) + "more"), HiveState::kClean);
}

TEST(HiveHeader, IsDirtyWhereTheFirstNumberIsAhead) {
  EXPECT_EQ(hive_state(header(8, 7)), HiveState::kDirty);
}

TEST(HiveHeader, IsDamagedWhereItIsNoneOrItsSumIsWrong) {
  EXPECT_EQ(hive_state(""), HiveState::kDamaged);
  EXPECT_EQ(hive_state(header(7, 7).substr(0, kHiveHeader - 1)), HiveState::kDamaged);
  EXPECT_EQ(hive_state("x" + header(7, 7).substr(1)), HiveState::kDamaged);
  EXPECT_EQ(hive_state(header(7, 7, 1)), HiveState::kDamaged);
}

/// A sum of 0 and one of all ones are written as their neighbours.
TEST(HiveHeader, KnowsTheSumsThatAreNeverWritten) {
  constexpr std::uint32_t kRegf = 0x66676572;
  EXPECT_EQ(hive_state(header(kRegf, 0)), HiveState::kDamaged);  // says 0
  EXPECT_EQ(hive_state(header(kRegf, 0, 1)), HiveState::kDirty);
  EXPECT_EQ(hive_state(header(~kRegf, 0)), HiveState::kDamaged);  // says all ones
  EXPECT_EQ(hive_state(header(~kRegf, 0, 1)), HiveState::kDirty);
}

}  // namespace
}  // namespace kiln::test
