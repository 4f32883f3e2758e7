#include "engine/sandbox/guest/firmware.h"

#include "tests/support/matchers.h"

namespace kiln {
namespace {

using test::FailsWith;
using ::testing::HasSubstr;

const std::string kNoCode(440, '\0');
const std::string kGrub = std::string("\xeb\x63\x90", 3) + std::string(437, '\0');

std::vector<FileSystem> with(const char* type) {
  return {{"/dev/sda1", type, "", "", "", ""}, {"/dev/sda2", "ext4", "", "", "", ""}};
}

TEST(ChooseFirmware, TakesWhatIsAskedWhereTheDiskHasIt) {
  EXPECT_EQ(choose_firmware(Firmware::kBios, with("vfat"), kGrub).value(), Firmware::kBios);
  EXPECT_EQ(choose_firmware(Firmware::kUefi, with("vfat"), kNoCode).value(), Firmware::kUefi);
}

TEST(ChooseFirmware, LooksAtTheDiskWhereNothingIsAsked) {
  EXPECT_EQ(choose_firmware(Firmware::kAny, with("vfat"), kGrub).value(), Firmware::kUefi);
  EXPECT_EQ(choose_firmware(Firmware::kAny, with("swap"), kGrub).value(), Firmware::kBios);
}

TEST(ChooseFirmware, RefusesUefiWithoutAnEfiPartition) {
  const auto refused = choose_firmware(Firmware::kUefi, with("swap"), kGrub);
  ASSERT_THAT(refused, FailsWith("Sandbox:NoEfiPartition"));
  EXPECT_THAT(refused.error().cure(), HasSubstr("V1"));
}

TEST(ChooseFirmware, RefusesBiosWithoutBootCode) {
  const auto refused = choose_firmware(Firmware::kBios, with("vfat"), kNoCode);
  ASSERT_THAT(refused, FailsWith("Sandbox:NoBootCode"));
  EXPECT_THAT(refused.error().cure(), HasSubstr("V2"));
  const auto neither = choose_firmware(Firmware::kAny, with("swap"), kNoCode);
  ASSERT_THAT(neither, FailsWith("Sandbox:NoBootCode"));
  EXPECT_THAT(neither.error().cure(), HasSubstr("no EFI system partition either"));
}

TEST(BootRefusal, IsSecureBootsWhereTheLoaderIsNotSigned) {
  const auto refusal = boot_refusal(
      "BdsDxe: failed to load Boot0001 \"UEFI QEMU\" from Scsi(0x0,0x0): Access Denied\n"
      "BdsDxe: No bootable option or device was found.\n");
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->code(), "Sandbox:SecureBootRefused");
  EXPECT_TRUE(boot_refusal("Verification failed: (0x1A) Security Violation\n"));
  EXPECT_TRUE(boot_refusal("error: bad shim signature.\n"));
}

TEST(BootRefusal, IsTheFirmwaresWhereThereIsNoLoader) {
  const auto refusal = boot_refusal("BdsDxe: No bootable option or device was found.\n");
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->code(), "Sandbox:NoBootLoader");
  EXPECT_TRUE(boot_refusal("in 5 seconds to skip \x1b[1m\x1b[33mstartup.nsh\x1b[0m"));
}

TEST(BootRefusal, APanicOfTheKernel) {
  const auto refusal = boot_refusal(
      "[    1.5] VFS: Unable to mount root fs\n"
      "[    1.6] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\n");
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->code(), "Sandbox:KernelPanic");
}

TEST(BootRefusal, IsNoneWhileTheMachineMayStillStart) {
  EXPECT_FALSE(boot_refusal(""));
  EXPECT_FALSE(
      boot_refusal("BdsDxe: failed to load Boot0001: Access Denied\n"
                   "BdsDxe: starting Boot0002\n"));
}

}  // namespace
}  // namespace kiln
