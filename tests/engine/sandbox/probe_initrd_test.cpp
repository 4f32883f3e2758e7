#include "engine/sandbox/probe_initrd.h"

#include "tests/support/matchers.h"

namespace kiln {
namespace {

TEST(ProbeInitrd, IsACpioWithAnExecutableInit) {
  const std::string program(100'000, 'x');
  const auto image = make_probe_initrd(program);
  ASSERT_OK(image);
  // The kernel's Documentation/driver-api/early-userspace/buffer-format: magic, inode, mode, …
  EXPECT_EQ(image->substr(0, 6), "070701");
  EXPECT_EQ(image->substr(14, 8), "000081ed") << "a regular file of mode 0755";
  EXPECT_EQ(image->substr(110, 5), std::string("init\0", 5));
  EXPECT_NE(image->find(program), std::string::npos);
  EXPECT_NE(image->find("TRAILER!!!"), std::string::npos);
}

}  // namespace
}  // namespace kiln
