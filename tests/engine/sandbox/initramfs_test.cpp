#include "engine/sandbox/initramfs.h"

#include "tests/support/matchers.h"

namespace kiln {
namespace {

/// The kernel's Documentation/driver-api/early-userspace/buffer-format: magic, inode, mode, …
constexpr std::size_t kHeader = 110;

TEST(Initramfs, IsACpioWithAnExecutableInit) {
  const std::string program(100'000, 'x');
  Initramfs initramfs;
  ASSERT_OK(initramfs.add_file("init", program, 0755));
  const auto image = initramfs.finish();
  ASSERT_OK(image);
  EXPECT_EQ(image->substr(0, 6), "070701");
  EXPECT_EQ(image->substr(14, 8), "000081ed") << "a regular file of mode 0755";
  EXPECT_EQ(image->substr(kHeader, 5), std::string("init\0", 5));
  EXPECT_NE(image->find(program), std::string::npos);
  EXPECT_NE(image->find("TRAILER!!!"), std::string::npos);
}

TEST(Initramfs, MakesEachFolderOnceBeforeWhatIsInIt) {
  Initramfs initramfs;
  ASSERT_OK(initramfs.add_file("usr/lib/a", "a", 0644));
  ASSERT_OK(initramfs.add_file("usr/lib/b", "b", 0644));
  const auto image = initramfs.finish();
  ASSERT_OK(image);
  const auto place = [&](const std::string& name) { return image->find(name + '\0'); };
  EXPECT_EQ(place("usr"), kHeader);
  EXPECT_EQ(image->substr(14, 8), "000041ed") << "a folder of mode 0755";
  EXPECT_LT(place("usr"), place("usr/lib"));
  EXPECT_LT(place("usr/lib"), place("usr/lib/a"));
  EXPECT_EQ(image->find(std::string("usr/lib") + '\0', place("usr/lib") + 1), std::string::npos);
}

}  // namespace
}  // namespace kiln
