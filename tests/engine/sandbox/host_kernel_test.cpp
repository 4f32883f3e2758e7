#include "engine/sandbox/host_kernel.h"

#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/core/temp_dir.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

using test::FailsWith;
using ::testing::HasSubstr;

class HostKernel : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = TempDir::create();
    ASSERT_OK(made);
    folder_ = std::make_unique<TempDir>(*std::move(made));
    host_.boot_folder = folder_->path() / "boot";
    host_.modules_folder = folder_->path() / "modules";
    std::filesystem::create_directories(host_.boot_folder);
  }
  void install(const std::string& version, bool with_modules = true) {
    std::ofstream(host_.boot_folder / ("vmlinuz-" + version)) << version;
    if (with_modules) std::filesystem::create_directories(host_.modules_folder / version);
  }
  std::unique_ptr<TempDir> folder_;
  HostPaths host_;
};

TEST_F(HostKernel, IsTheNewestOneWithModules) {
  install("6.1.0-9-amd64");
  install("6.1.0-10-amd64");
  install("6.12.1", false);
  std::ofstream(host_.boot_folder / "config-7.0") << "";
  const auto kernel = find_host_kernel(host_);
  ASSERT_OK(kernel);
  EXPECT_EQ(kernel->filename(), "vmlinuz-6.1.0-10-amd64");
}

TEST_F(HostKernel, MissingNamesThePackage) {
  const auto kernel = find_host_kernel(host_);
  ASSERT_THAT(kernel, FailsWith("Host:NoKernel"));
  EXPECT_EQ(kernel.error().kind(), ErrorKind::kHostNotReady);
  EXPECT_THAT(kernel.error().cure(), HasSubstr("apt-get install linux-image"));
}

TEST_F(HostKernel, UnreadableNamesTheExactCure) {
  install("6.1.0-9-amd64");
  const auto file = host_.boot_folder / "vmlinuz-6.1.0-9-amd64";
  ASSERT_EQ(::chmod(file.c_str(), 0), 0);
  // Root reads everything, so as root the look is taken as somebody else.
  constexpr uid_t kNobody = 65534;
  const bool root = ::geteuid() == 0;
  if (root) {
    ASSERT_EQ(::chmod(folder_->path().c_str(), 0755), 0);
    // access(2) asks for the real user.
    ASSERT_EQ(::setreuid(kNobody, 0), 0);
  }
  const auto kernel = find_host_kernel(host_);
  if (root) {
    ASSERT_EQ(::setreuid(0, 0), 0);
  }
  ASSERT_THAT(kernel, FailsWith("Host:KernelUnreadable"));
  EXPECT_THAT(kernel.error().cure(), HasSubstr("0644 " + file.string()));
}

TEST(VersionLess, ComparesNumbersByValue) {
  EXPECT_TRUE(version_less("6.1.0-9", "6.1.0-10"));
  EXPECT_FALSE(version_less("6.1.0-10", "6.1.0-9"));
  EXPECT_TRUE(version_less("6.1", "6.1.1"));
  EXPECT_TRUE(version_less("5.99", "6.0"));
  EXPECT_TRUE(version_less("6.1-amd64", "6.1-cloud"));
  EXPECT_FALSE(version_less("6.01", "6.1"));
  EXPECT_FALSE(version_less("6.1", "6.1"));
}

}  // namespace
}  // namespace kiln
