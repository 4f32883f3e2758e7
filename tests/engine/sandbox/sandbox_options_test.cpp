#include <algorithm>
#include <thread>

#include <gtest/gtest.h>

#include "engine/sandbox/sandbox.h"

namespace kiln {
namespace {

TEST(SandboxOptions, HaveAsManyProcessorsAsAskedFor) {
  SandboxOptions options;
  EXPECT_EQ(vcpus_to_mount(options), 1U);
  EXPECT_EQ(vcpus_to_boot(options), std::clamp(std::thread::hardware_concurrency(), 1U, 2U));
  options.vcpus = 3;
  EXPECT_EQ(vcpus_to_mount(options), 3U);
  EXPECT_EQ(vcpus_to_boot(options), 3U);
}

}  // namespace
}  // namespace kiln
