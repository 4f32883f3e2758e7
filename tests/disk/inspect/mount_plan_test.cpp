#include "disk/inspect/mount_plan.h"

#include "tests/support/matchers.h"

namespace kiln {
namespace {

using test::FailsWith;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto kDebian = "ID=debian\nPRETTY_NAME=\"Debian 12\"\n";

FileSystem fs(std::string device,
              std::string type,
              std::string uuid = {},
              std::string label = {},
              std::string part_uuid = {},
              std::string part_label = {}) {
  return {std::move(device),
          std::move(type),
          std::move(label),
          std::move(uuid),
          std::move(part_uuid),
          std::move(part_label)};
}

/// How an fstab may name `/dev/sda1`, and whether it does.
struct SpecCase {
  const char* spec;
  bool found;
};

class MountPlanSpec : public ::testing::TestWithParam<SpecCase> {};

TEST_P(MountPlanSpec, ResolvesToThePartition) {
  const std::vector<FileSystem> disk = {
      fs("/dev/sda1", "ext4", "AB12-34cd", "My Boot", "dead-01", "boot part"),
      fs("/dev/sda2", "ext4", "root"),
      fs("/dev/my-vg/the-lv", "xfs", "lv")};
  const auto plan = plan_mounts(
      disk, {{"/dev/sda2", kDebian, fmt::format("{} /data auto defaults 0 2\n", GetParam().spec)}});
  ASSERT_OK(plan);
  ASSERT_EQ(plan->mounts.size(), GetParam().found ? 2U : 1U) << GetParam().spec;
  if (GetParam().found) {
    EXPECT_EQ(plan->mounts[1].mount_point, "/data");
    EXPECT_THAT(plan->warnings, IsEmpty());
  } else {
    EXPECT_THAT(plan->warnings, ElementsAre(HasSubstr("not on this disk")));
  }
}

INSTANTIATE_TEST_SUITE_P(Specs,
                         MountPlanSpec,
                         ::testing::Values(SpecCase{"/dev/sda1", true},
                                           SpecCase{"/dev/vda1", true},
                                           SpecCase{"/dev/xvda1", true},
                                           SpecCase{"/dev/nvme0n1p1", true},
                                           SpecCase{"/dev/sdb1", false},
                                           SpecCase{"/dev/sda9", false},
                                           SpecCase{"UUID=AB12-34CD", true},
                                           SpecCase{"UUID=\"ab12-34cd\"", true},
                                           SpecCase{"UUID=other", false},
                                           SpecCase{"UUID=", false},
                                           SpecCase{"LABEL=My\\040Boot", true},
                                           SpecCase{"LABEL=my\\040boot", false},
                                           SpecCase{"PARTUUID=DEAD-01", true},
                                           SpecCase{"PARTLABEL=boot\\040part", true},
                                           SpecCase{"/dev/disk/by-uuid/AB12-34cd", true},
                                           SpecCase{"/dev/disk/by-label/My\\x20Boot", true},
                                           SpecCase{"/dev/disk/by-partuuid/dead-01", true},
                                           SpecCase{"/dev/disk/by-partlabel/boot\\x20part", true},
                                           SpecCase{"/dev/disk/by-id/scsi-1", false},
                                           SpecCase{"/dev/my-vg/the-lv", true},
                                           SpecCase{"/dev/mapper/my--vg-the--lv", true},
                                           SpecCase{"/dev/mapper/my-vg-the-lv", false},
                                           SpecCase{"/dev/mapper/crypt", false}));

/// Lines that ask for nothing from the disk.
class MountPlanPassedOver : public ::testing::TestWithParam<const char*> {};

TEST_P(MountPlanPassedOver, MountsTheRootAloneWithoutAWord) {
  const auto plan =
      plan_mounts({fs("/dev/sda1", "ext4", "r")}, {{"/dev/sda1", kDebian, GetParam()}});
  ASSERT_OK(plan);
  EXPECT_THAT(plan->mounts, SizeIs(1));
  EXPECT_THAT(plan->warnings, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Lines,
    MountPlanPassedOver,
    ::testing::Values("tmpfs /tmp tmpfs defaults 0 0",
                      "proc /proc proc defaults 0 0",
                      "server:/export /var/data nfs defaults 0 0",
                      "//server/share /srv/share cifs defaults 0 0",
                      "UUID=x none swap sw 0 0",
                      "/swapfile swap swap defaults 0 0",
                      "/dev/sr0 /media/cdrom0 udf,iso9660 user,noauto 0 0",
                      "/data/home /home none bind 0 0",
                      "UUID=gone /var ext4 noauto",
                      "UUID=gone /var ext4 defaults,nofail 0 0",
                      "/dev/disk/cloud/azure_resource-part1 /mnt auto defaults,nofail 0 2",
                      "# UUID=gone /usr ext4 defaults 0 0"));

TEST(MountPlan, MountsParentsFirstAndOnce) {
  const std::vector<FileSystem> disk = {fs("/dev/sda1", "vfat", "ESP"),
                                        fs("/dev/sda2", "ext4", "BOOT"),
                                        fs("/dev/sda3", "xfs", "ROOT"),
                                        fs("/dev/sda4", "xfs", "VAR")};
  const auto plan = plan_mounts(disk,
                                {{"/dev/sda3",
                                  kDebian,
                                  "UUID=ESP /boot/efi vfat umask=0077 0 1\n"
                                  "UUID=BOOT /boot/ ext4 defaults 0 1\n"
                                  "UUID=VAR /boot ext4 defaults 0 1\n"
                                  "UUID=ROOT / xfs defaults 0 1\n"
                                  "UUID=VAR /var xfs noauto,x-systemd.automount 0 1\n"
                                  "UUID=VAR /srv/../.. xfs defaults 0 1\n"}});
  ASSERT_OK(plan);
  EXPECT_THAT(plan->mounts,
              ElementsAre(PlannedMount{"/dev/sda3", "/", "xfs"},
                          PlannedMount{"/dev/sda2", "/boot", "ext4"},
                          PlannedMount{"/dev/sda4", "/var", "xfs"},
                          PlannedMount{"/dev/sda1", "/boot/efi", "vfat"}));
  EXPECT_THAT(plan->warnings,
              ElementsAre(HasSubstr("fstab:3: a second mount"), HasSubstr("fstab:6: `..`")));
  EXPECT_EQ(plan->os_id, "debian");
  EXPECT_EQ(plan->pretty_name, "Debian 12");
}

TEST(MountPlan, FollowsBtrfsSubvolumes) {
  const std::vector<FileSystem> disk = {fs("/dev/sda1", "vfat", "ESP"),
                                        fs("/dev/sda2", "btrfs", "B"),
                                        fs("btrfsvol:/dev/sda2/@", "btrfs", "B"),
                                        fs("btrfsvol:/dev/sda2/@home", "btrfs", "B"),
                                        fs("btrfsvol:/dev/sda2/@/var/lib", "btrfs", "B")};
  const auto plan = plan_mounts(disk,
                                {{"btrfsvol:/dev/sda2/@",
                                  kDebian,
                                  "UUID=B / btrfs subvol=@ 0 0\n"
                                  "UUID=B /home btrfs subvol=/@home 0 0\n"
                                  "UUID=B /var/lib btrfs subvol=@/var/lib 0 0\n"}});
  ASSERT_OK(plan);
  EXPECT_THAT(plan->mounts,
              ElementsAre(PlannedMount{"btrfsvol:/dev/sda2/@", "/", "btrfs"},
                          PlannedMount{"btrfsvol:/dev/sda2/@home", "/home", "btrfs"},
                          PlannedMount{"btrfsvol:/dev/sda2/@/var/lib", "/var/lib", "btrfs"}));
}

TEST(MountPlan, PrefersTheRootThatItsFstabNames) {
  const std::string fstab = "UUID=B / btrfs subvol=@ 0 0\n";
  const auto plan = plan_mounts({fs("/dev/sda2", "btrfs", "B"),
                                 fs("btrfsvol:/dev/sda2/@", "btrfs", "B"),
                                 fs("btrfsvol:/dev/sda2/snapshots/1", "btrfs", "B")},
                                {{"btrfsvol:/dev/sda2/snapshots/1", kDebian, fstab},
                                 {"btrfsvol:/dev/sda2/@", kDebian, fstab}});
  ASSERT_OK(plan);
  EXPECT_EQ(plan->mounts.front().device, "btrfsvol:/dev/sda2/@");
}

TEST(MountPlan, PrefersTheDefaultSubvolumeOfOneBtrfs) {
  const auto plan = plan_mounts(
      {fs("/dev/vg/root", "btrfs", "B"), fs("btrfsvol:/dev/vg/root/snap", "btrfs", "B")},
      {{"/dev/vg/root", kDebian, ""}, {"btrfsvol:/dev/vg/root/snap", kDebian, ""}});
  ASSERT_OK(plan);
  EXPECT_EQ(plan->mounts.front().device, "/dev/vg/root");
}

TEST(MountPlan, MountsLogicalVolumes) {
  const auto plan = plan_mounts({fs("/dev/sda1", "LVM2_member", "pv"),
                                 fs("/dev/vg0/root", "ext4", "R"),
                                 fs("/dev/vg0/var-log", "ext4", "L")},
                                {{"/dev/vg0/root",
                                  kDebian,
                                  "/dev/mapper/vg0-root / ext4 defaults 0 1\n"
                                  "/dev/mapper/vg0-var--log /var/log ext4 defaults 0 1\n"}});
  ASSERT_OK(plan);
  EXPECT_THAT(plan->mounts,
              ElementsAre(PlannedMount{"/dev/vg0/root", "/", "ext4"},
                          PlannedMount{"/dev/vg0/var-log", "/var/log", "ext4"}));
}

TEST(MountPlan, RefusesAMissingSystemFolder) {
  const auto plan = plan_mounts({fs("/dev/sda1", "ext4", "R")},
                                {{"/dev/sda1", kDebian, "\nUUID=gone /usr ext4 defaults 0 1\n"}});
  ASSERT_THAT(plan, FailsWith("Inspect:MissingDevice"));
  EXPECT_EQ(plan.error().where(), "/etc/fstab:2");
  EXPECT_THAT(plan.error().message(), HasSubstr("/dev/sda1 (ext4)"));
}

TEST(MountPlan, ListsSeveralRoots) {
  const auto plan = plan_mounts({fs("/dev/sda1", "ext4", "A"), fs("/dev/sda2", "ext4", "B")},
                                {{"/dev/sda1", kDebian, "UUID=A / ext4 defaults 0 1\n"},
                                 {"/dev/sda2", kDebian, "UUID=B / ext4 defaults 0 1\n"}});
  ASSERT_THAT(plan, FailsWith("Inspect:SeveralRoots"));
  EXPECT_THAT(plan.error().message(), HasSubstr("/dev/sda1, /dev/sda2"));
}

struct RefusalCase {
  std::vector<FileSystem> disk;
  const char* code;
};

class MountPlanRefusal : public ::testing::TestWithParam<RefusalCase> {};

TEST_P(MountPlanRefusal, NamesTheCauseAndACure) {
  const auto plan = plan_mounts(GetParam().disk, {});
  ASSERT_THAT(plan, FailsWith(GetParam().code));
  EXPECT_NE(plan.error().cure(), "");
}

INSTANTIATE_TEST_SUITE_P(
    Disks,
    MountPlanRefusal,
    ::testing::Values(RefusalCase{{}, "Inspect:NoRoot"},
                      RefusalCase{{fs("/dev/sda1", "ext4")}, "Inspect:NoRoot"},
                      RefusalCase{{fs("/dev/sda1", "ext4"), fs("/dev/sda2", "crypto_LUKS")},
                                  "Inspect:Encrypted"},
                      RefusalCase{{fs("/dev/sda2", "BitLocker")}, "Inspect:Encrypted"},
                      RefusalCase{{fs("/dev/sda2", "ntfs")}, "Inspect:WindowsRoot"},
                      RefusalCase{{fs("/dev/sda1", "swsuspend")}, "Inspect:Hibernated"}));

}  // namespace
}  // namespace kiln
