#include "engine/sandbox/frozen_disks.h"

#include <gmock/gmock.h>

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(WritableMountPoints, AreThoseOfDisksEachOnceTheLastFirst) {
  EXPECT_THAT(writable_mount_points("sysfs /sys sysfs rw,nosuid 0 0\n"
                                    "/dev/sda3 / ext4 rw,relatime 0 0\n"
                                    "tmpfs /run tmpfs rw,size=99k 0 0\n"
                                    "/dev/loop0 /snap/core squashfs ro,nodev 0 0\n"
                                    "/dev/sda2 /boot/efi vfat rw 0 0\n"
                                    "/dev/sda3 /srv/again ext4 rw,relatime 0 0\n"
                                    "/dev/sdb1 /mnt/two\\040words\\134 xfs rw,relatime 0 0\n"),
              ElementsAre("/mnt/two words\\", "/boot/efi", "/"));
}

TEST(WritableMountPoints, SurviveWhatAGuestMaySend) {
  EXPECT_THAT(writable_mount_points(""), IsEmpty());
  EXPECT_THAT(writable_mount_points("/dev/sda1\n/dev/sda1 /\n \n"), IsEmpty());
  EXPECT_THAT(writable_mount_points("/dev/sda1 /a\\04 ext4 rw 0 0"), ElementsAre("/a\\04"));
}

}  // namespace
}  // namespace kiln
