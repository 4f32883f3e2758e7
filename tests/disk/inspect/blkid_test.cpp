#include "disk/inspect/blkid.h"

#include <gmock/gmock.h>

namespace kiln {
namespace {

TEST(Blkid, TellsContentsAndPartition) {
  const auto found = read_blkid("/dev/sda3",
                                {"DEVNAME",
                                 "/dev/sda3",
                                 "LABEL",
                                 "root",
                                 "UUID",
                                 "3bfb",
                                 "TYPE",
                                 "ext4",
                                 "PART_ENTRY_SCHEME",
                                 "gpt",
                                 "PART_ENTRY_NAME",
                                 "primary",
                                 "PART_ENTRY_UUID",
                                 "14ff",
                                 "PART_ENTRY_TYPE",
                                 "0fc63daf-8483-4772-8e79-3d69d8477de4",
                                 "PART_ENTRY_NUMBER",
                                 "3",
                                 "PART_ENTRY_OFFSET",
                                 "2048",
                                 "PART_ENTRY_SIZE",
                                 "8251361"});
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->device, "/dev/sda3");
  EXPECT_EQ(found->type, "ext4");
  EXPECT_EQ(found->label, "root");
  EXPECT_EQ(found->uuid, "3bfb");
  EXPECT_EQ(found->part_uuid, "14ff");
  EXPECT_EQ(found->part_label, "primary");
  ASSERT_TRUE(found->partition.has_value());
  EXPECT_EQ(found->partition->table, "gpt");
  EXPECT_EQ(found->partition->number, 3);
  EXPECT_EQ(found->partition->offset, 2048U * 512);
  EXPECT_EQ(found->partition->size, 8251361U * 512);
  EXPECT_EQ(found->partition->type, "0fc63daf-8483-4772-8e79-3d69d8477de4");
}

TEST(Blkid, ALogicalVolumeIsNoPartition) {
  const auto found = read_blkid("/dev/guest/root", {"TYPE", "xfs"});
  ASSERT_TRUE(found.has_value());
  EXPECT_FALSE(found->partition.has_value());
}

TEST(Blkid, APartitionWithUnknownContentsCounts) {
  const auto found =
      read_blkid("/dev/sda2", {"PART_ENTRY_SCHEME", "dos", "PART_ENTRY_NUMBER", "2"});
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->type, "");
  EXPECT_FALSE(read_blkid("/dev/sda", {"PTTYPE", "dos"}).has_value());
}

TEST(Blkid, ReadsTheBlocksOfSeveralDevices) {
  const auto found = read_blkid_export(
      "DEVNAME=/dev/sda1\n"
      "LABEL=my\\ root=\\\"x\\\"\n"
      "UUID=9847e398-3e5f-4818-bbfb-d22aceecc254\n"
      "TYPE=ext4\n"
      "PART_ENTRY_SCHEME=gpt\n"
      "PART_ENTRY_NUMBER=1\n"
      "PART_ENTRY_OFFSET=2048\n"
      "PART_ENTRY_SIZE=8\n"
      "\n"
      "DEVNAME=/dev/sda2\n"
      "\n"
      "DEVNAME=/dev/vg/root\n"
      "TYPE=xfs\n");
  ASSERT_EQ(found.size(), 2U) << "of the second nothing is known";
  EXPECT_EQ(found[0].device, "/dev/sda1");
  EXPECT_EQ(found[0].label, "my root=\"x\"");
  EXPECT_EQ(found[0].type, "ext4");
  ASSERT_TRUE(found[0].partition);
  EXPECT_EQ(found[0].partition->offset, 2048U * 512);
  EXPECT_EQ(found[1].device, "/dev/vg/root");
  EXPECT_EQ(found[1].type, "xfs");
  EXPECT_FALSE(found[1].partition);
}

TEST(Blkid, ReadsNothingOutOfNothing) {
  EXPECT_TRUE(read_blkid_export("").empty());
  EXPECT_TRUE(read_blkid_export("\n\n=\nTYPE\n").empty());
}

}  // namespace
}  // namespace kiln
