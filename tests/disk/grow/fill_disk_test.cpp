#include "disk/grow/fill_disk.h"

#include "engine/core/bytes.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto kDisk = 8 * kGiB;
/// GPT's own sectors at the end cost the last MiB.
constexpr auto kGptEnd = kDisk - kMiB;

/// Notes what is asked of it.
class NotingVolumes : public Volumes {
 public:
  Result<void> move_backup_table() override { return note("move the table"); }
  Result<void> extend_partition(int number, std::uint64_t end) override {
    return note(fmt::format("partition {} to {}", number, end));
  }
  Result<void> extend_physical_volume(const std::string& device) override {
    return note("physical volume " + device);
  }
  Result<std::vector<std::string>> physical_volumes(const std::string& group) override {
    return group == group_ ? members_ : std::vector<std::string>();
  }
  Result<void> extend_logical_volume(const std::string& device) override {
    return note("logical volume " + device);
  }
  Result<void> extend_file_system(const std::string& device, const std::string& type) override {
    return note(type + " of " + device);
  }
  std::vector<std::string> calls;
  std::string group_ = "guest";
  std::vector<std::string> members_ = {"AAAABBBB"};

 private:
  Result<void> note(std::string call) {
    calls.push_back(std::move(call));
    return {};
  }
};

FileSystem part(
    int number, std::string type, std::uint64_t from, std::uint64_t to, std::string table = "gpt") {
  FileSystem made;
  made.device = fmt::format("/dev/sda{}", number);
  made.type = std::move(type);
  made.partition = Partition{std::move(table), number, from, to - from, ""};
  return made;
}

FileSystem whole(std::string device, std::string type, std::string uuid = {}) {
  FileSystem made;
  made.device = std::move(device);
  made.type = std::move(type);
  made.uuid = std::move(uuid);
  return made;
}

class FillDisk : public ::testing::Test {
 protected:
  FilledDisk fill(const std::vector<FileSystem>& disk, const std::string& root) {
    const auto filled = fill_disk(volumes_, disk, root, kDisk);
    EXPECT_OK(filled);
    return filled.value_or(FilledDisk{});
  }
  NotingVolumes volumes_;
};

TEST_F(FillDisk, GrowsTheLastPartitionOfAGptAndItsFileSystem) {
  for (const char* type : {"ext4", "xfs", "btrfs"}) {
    volumes_.calls.clear();
    const auto filled = fill({part(1, "", kMiB, 2 * kMiB),
                              part(2, "vfat", 2 * kMiB, 66 * kMiB),
                              part(3, type, 66 * kMiB, 4 * kGiB - kMiB)},
                             "/dev/sda3");
    EXPECT_EQ(filled.grown, fmt::format("/dev/sda3 ({})", type));
    EXPECT_EQ(filled.warning, "");
    EXPECT_THAT(volumes_.calls,
                ElementsAre("move the table",
                            fmt::format("partition 3 to {}", kGptEnd),
                            fmt::format("{} of /dev/sda3", type)));
  }
}

/// As on Debian's own cloud images: the root is number 1 and comes last.
TEST_F(FillDisk, TheLastIsTheOneThatLiesLast) {
  const auto filled = fill({part(1, "ext4", 128 * kMiB, 2 * kGiB),
                            part(14, "", kMiB, 4 * kMiB),
                            part(15, "vfat", 4 * kMiB, 128 * kMiB)},
                           "/dev/sda1");
  EXPECT_EQ(filled.grown, "/dev/sda1 (ext4)");
}

TEST_F(FillDisk, AnExtendedPartitionGrowsBeforeWhatIsInIt) {
  const auto filled = fill({part(1, "ext2", kMiB, 100 * kMiB, "dos"),
                            part(2, "", 100 * kMiB, kGiB, "dos"),
                            part(5, "swap", 101 * kMiB, 200 * kMiB, "dos"),
                            part(6, "ext4", 201 * kMiB, kGiB, "dos")},
                           "/dev/sda6");
  EXPECT_EQ(filled.grown, "/dev/sda6 (ext4)");
  EXPECT_THAT(volumes_.calls,
              ElementsAre(fmt::format("partition 2 to {}", kDisk),
                          fmt::format("partition 6 to {}", kDisk),
                          "ext4 of /dev/sda6"));
}

TEST_F(FillDisk, GrowsTheRootsLogicalVolume) {
  auto member = part(3, "LVM2_member", 66 * kMiB, 4 * kGiB - kMiB);
  member.uuid = "AAAA-BBBB";
  const auto filled = fill({part(1, "vfat", kMiB, 66 * kMiB),
                            member,
                            whole("/dev/guest/root", "xfs"),
                            whole("/dev/guest/var", "xfs")},
                           "/dev/guest/root");
  EXPECT_EQ(filled.grown, "/dev/sda3 (LVM2_member), /dev/guest/root (xfs)");
  EXPECT_THAT(volumes_.calls,
              ElementsAre("move the table",
                          fmt::format("partition 3 to {}", kGptEnd),
                          "physical volume /dev/sda3",
                          "logical volume /dev/guest/root",
                          "xfs of /dev/guest/root"));
}

TEST_F(FillDisk, GrowsTheLogicalVolumeUnderASubvolume) {
  auto member = part(1, "LVM2_member", kMiB, kGiB);
  member.uuid = "AAAA-BBBB";
  const auto filled = fill(
      {member, whole("/dev/guest/root", "btrfs"), whole("btrfsvol:/dev/guest/root/@", "btrfs")},
      "btrfsvol:/dev/guest/root/@");
  EXPECT_EQ(filled.grown, "/dev/sda1 (LVM2_member), /dev/guest/root (btrfs)");
}

TEST_F(FillDisk, LeavesOtherVolumeGroupsAlone) {
  auto member = part(2, "LVM2_member", kGiB, 2 * kGiB);
  member.uuid = "AAAA-BBBB";
  const std::vector<FileSystem> disk = {
      part(1, "ext4", kMiB, kGiB), member, whole("/dev/data/lv", "ext4")};
  EXPECT_THAT(fill(disk, "/dev/sda1").warning, HasSubstr("not on the LVM of /dev/sda2"));
  volumes_.members_ = {"CCCCDDDD"};
  auto with_root = disk;
  with_root.push_back(whole("/dev/guest/root", "ext4"));
  EXPECT_THAT(fill(with_root, "/dev/guest/root").warning, HasSubstr("lvextend"));
  EXPECT_THAT(volumes_.calls, Not(::testing::Contains(HasSubstr("logical volume"))));
}

TEST_F(FillDisk, ASubvolumeIsNoPartitionOfItsOwn) {
  auto subvolume = part(1, "btrfs", kMiB, kGiB);
  subvolume.device = "btrfsvol:/dev/sda1/@";
  const auto filled = fill({part(1, "btrfs", kMiB, kGiB), subvolume}, subvolume.device);
  EXPECT_EQ(filled.grown, "/dev/sda1 (btrfs)");
  EXPECT_EQ(volumes_.calls.size(), 3U);
}

TEST_F(FillDisk, SaysWhatStandsInTheWay) {
  for (const char* type : {"swap", "crypto_LUKS", "vfat", ""}) {
    volumes_.calls.clear();
    const auto filled =
        fill({part(1, "ext4", kMiB, kGiB), part(2, type, kGiB, 2 * kGiB)}, "/dev/sda1");
    EXPECT_EQ(filled.grown, "");
    EXPECT_THAT(filled.warning, HasSubstr("/dev/sda2"));
    EXPECT_THAT(filled.warning, HasSubstr(*type == '\0' ? "unknown" : type));
    // Or the disk would not be what its table says.
    EXPECT_THAT(volumes_.calls, ElementsAre("move the table"));
  }
}

TEST_F(FillDisk, GrowsAFileSystemWithoutATable) {
  EXPECT_EQ(fill({whole("/dev/sda", "ext4")}, "/dev/sda").grown, "/dev/sda (ext4)");
  EXPECT_THAT(volumes_.calls, ElementsAre("ext4 of /dev/sda"));
  EXPECT_THAT(fill({}, "").warning, HasSubstr("no partition"));
}

TEST_F(FillDisk, DoesNothingWhereNothingIsLeft) {
  for (const auto& [table, end] :
       {std::pair("gpt", kGptEnd), std::pair("gpt", kDisk - 33 * 512), std::pair("dos", kDisk)}) {
    const auto filled = fill({part(1, "ext4", kMiB, end, table)}, "/dev/sda1");
    EXPECT_EQ(filled.grown + filled.warning, "") << table;
  }
  EXPECT_THAT(volumes_.calls, IsEmpty());
}

TEST_F(FillDisk, MbrEndsAt2Tib) {
  ASSERT_OK(fill_disk(
      volumes_, {part(1, "ext4", kMiB, kTiB, "dos")}, "/dev/sda1", std::uint64_t{3} * kTiB));
  EXPECT_EQ(volumes_.calls.front(), fmt::format("partition 1 to {}", 2 * kTiB));
}

}  // namespace
}  // namespace kiln
