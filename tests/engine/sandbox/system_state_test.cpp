#include "engine/sandbox/guest/system_state.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

TEST(ShutdownCommand, IsTheInits) {
  EXPECT_STREQ(shutdown_command(InitSystem::kSystemd, Shutdown::kReboot),
               "systemctl --no-block reboot");
  EXPECT_STREQ(shutdown_command(InitSystem::kSysvinit, Shutdown::kPowerOff), "shutdown -h -P now");
}

}  // namespace
}  // namespace kiln
