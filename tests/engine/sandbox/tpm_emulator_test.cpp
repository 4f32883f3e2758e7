#include "engine/sandbox/guest/tpm_emulator.h"

#include <cstdlib>
#include <fstream>

#include "engine/core/temp_dir.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

class FindTpmEmulator : public ::testing::Test {
 protected:
  void SetUp() override { ::setenv("PATH", folder_.path().c_str(), 1); }
  void TearDown() override { ::setenv("PATH", path_.c_str(), 1); }
  void install(const char* program) const {
    const auto path = folder_.path() / program;
    std::ofstream(path) << "#!/bin/sh\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  }

  TempDir folder_ = *TempDir::create();
  std::string path_ = std::getenv("PATH");
};

TEST_F(FindTpmEmulator, NamesThePackageOfWhatLibvirtAsksForToo) {
  EXPECT_THAT(find_tpm_emulator(), test::FailsWith("Sandbox:NoTpm"));
  install("swtpm");
  const auto half = find_tpm_emulator();
  ASSERT_FALSE(half.has_value());
  EXPECT_EQ(half.error().code(), "Sandbox:NoTpm");
  EXPECT_THAT(half.error().cure(), ::testing::HasSubstr("swtpm-tools"));
  install("swtpm_setup");
  install("swtpm_ioctl");
  EXPECT_OK(find_tpm_emulator());
}

}  // namespace
}  // namespace kiln
