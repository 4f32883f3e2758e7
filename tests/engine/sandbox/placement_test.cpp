#include "engine/sandbox/guest/placement.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

constexpr const char* kInittab = "id:2:initdefault:\n# comment\nsi::sysinit:/etc/init.d/rcS\n";

TEST(Inittab, StartsTheAgentLastAndOnce) {
  EXPECT_EQ(inittab_with_agent(kInittab, "/.a/start"),
            std::string(kInittab) + "kiln:2345:once:/.a/start\n");
  EXPECT_EQ(inittab_with_agent("a:2:wait:x", "/.a/start"),
            "a:2:wait:x\nkiln:2345:once:/.a/start\n");
}

TEST(Inittab, ForgetsTheAgentOfAMachineThatLostItsPower) {
  const auto left = inittab_with_agent(kInittab, "/.old/start") + "T0:23:respawn:/sbin/getty\n";
  EXPECT_EQ(inittab_with_agent(left, "/.new/start"),
            std::string(kInittab) + "T0:23:respawn:/sbin/getty\nkiln:2345:once:/.new/start\n");
}

TEST(Inittab, IsAsBeforeWithoutTheAgent) {
  EXPECT_EQ(inittab_without_agent(inittab_with_agent(kInittab, "/.a/start")), kInittab);
  EXPECT_EQ(inittab_without_agent(kInittab), kInittab);
  EXPECT_EQ(inittab_without_agent("a:2:wait:x"), "a:2:wait:x");
  EXPECT_EQ(inittab_without_agent(""), "");
  EXPECT_EQ(inittab_without_agent("kiln:"), "");
}

}  // namespace
}  // namespace kiln
