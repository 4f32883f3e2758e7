#include "disk/inspect/fstab.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Fstab, ReadsFieldsAndDefaults) {
  const auto entries = parse_fstab(
      "# /etc/fstab\n"
      "\n"
      "UUID=abc\t/  ext4 rw,relatime,subvol=@ 0 1\r\n"
      "  # indented comment\n"
      "LABEL=data /data\n"
      "lonely\n");
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].spec, "UUID=abc");
  EXPECT_EQ(entries[0].mount_point, "/");
  EXPECT_EQ(entries[0].type, "ext4");
  EXPECT_THAT(entries[0].options, ElementsAre("rw", "relatime", "subvol=@"));
  EXPECT_EQ(entries[0].line, 3);
  EXPECT_TRUE(entries[0].has_option("relatime"));
  EXPECT_FALSE(entries[0].has_option("rel"));
  EXPECT_EQ(entries[0].option_value("subvol"), "@");
  EXPECT_EQ(entries[0].option_value("sub"), "");
  EXPECT_EQ(entries[1].type, "auto");
  EXPECT_THAT(entries[1].options, ElementsAre("defaults"));
  EXPECT_EQ(entries[1].line, 5);
}

TEST(Fstab, UndoesOctalEscapes) {
  const auto entries = parse_fstab(R"(LABEL=my\040disk /mnt/a\011b\134c auto defaults)");
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].spec, "LABEL=my disk");
  EXPECT_EQ(entries[0].mount_point, "/mnt/a\tb\\c");
}

TEST(Fstab, KeepsBackslashesThatAreNoEscape) {
  const auto entries = parse_fstab(R"(a\04 /b\9 auto defaults)");
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].spec, R"(a\04)");
  EXPECT_EQ(entries[0].mount_point, R"(/b\9)");
}

TEST(Fstab, SurvivesNothing) {
  EXPECT_THAT(parse_fstab(""), IsEmpty());
  EXPECT_THAT(parse_fstab("\n \t\n#"), IsEmpty());
}

}  // namespace
}  // namespace kiln
