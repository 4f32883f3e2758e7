#include "engine/run/install/installed_base.h"

#include <fcntl.h>
#include <fstream>
#include <future>
#include <sys/stat.h>
#include <thread>

#include "engine/core/file.h"
#include "engine/core/temp_dir.h"
#include "tests/support/matchers.h"
#include "tests/support/recording_sink.h"

namespace kiln::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class InstalledBasesTest : public ::testing::Test {
 protected:
  Result<std::filesystem::path> obtain(bool reinstall = false, const CancelToken& cancel = {}) {
    const auto install = [this](const std::filesystem::path& disk) -> Result<void> {
      ++installations_;
      return write_in_place(disk, fmt::format("installation {}", installations_));
    };
    return bases_.obtain(identity_, reinstall, install, events_, cancel);
  }
  /// As qemu-img does it, into the file that is locked.
  static Result<void> write_in_place(const std::filesystem::path& disk, const std::string& text) {
    std::ofstream(disk) << text;
    return {};
  }
  std::size_t files() const {
    const auto folder = bases_.path_of(identity_).parent_path();
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
  }

  TempDir cache_ = TempDir::create().value();
  InstalledBases bases_{cache_.path()};
  BaseIdentity identity_{std::string(64, 'a'), "d-i locale C\n", "V2", 4ULL << 30U, {}};
  RecordingSink events_;
  int installations_ = 0;
};

TEST_F(InstalledBasesTest, InstallsOnce) {
  const auto first = obtain();
  ASSERT_OK(first);
  EXPECT_EQ(*first, bases_.path_of(identity_));
  EXPECT_EQ(read_file(*first).value(), "installation 1");
  struct stat status {};
  ASSERT_EQ(::stat(first->c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0444U);
  const auto second = obtain();
  ASSERT_OK(second);
  EXPECT_EQ(*second, *first);
  EXPECT_EQ(installations_, 1);
  EXPECT_EQ(files(), 1U);
}

TEST_F(InstalledBasesTest, IsKnownByEverythingThatMakesIt) {
  const auto name = bases_.path_of(identity_);
  std::vector<BaseIdentity> others(5, identity_);
  others[0].iso_sha256 = std::string(64, 'b');
  others[1].answers += "# changed\n";
  others[2].generation = "V1";
  others[3].disk_bytes += 1;
  others[4].media = {std::string(64, 'c')};
  for (const auto& other : others) EXPECT_NE(bases_.path_of(other), name);
}

TEST_F(InstalledBasesTest, CountsAsUsedWithoutBeingChanged) {
  const auto base = obtain();
  ASSERT_OK(base);
  const std::array<timespec, 2> long_ago = {timespec{1'000'000, 0}, timespec{1'000'000, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, base->c_str(), long_ago.data(), 0), 0);
  ASSERT_OK(obtain());
  struct stat status {};
  ASSERT_EQ(::stat(base->c_str(), &status), 0);
  EXPECT_GT(status.st_atim.tv_sec, 1'000'000);
  EXPECT_EQ(status.st_mtim.tv_sec, 1'000'000);
}

TEST_F(InstalledBasesTest, InstallsAgainWhereAsked) {
  ASSERT_OK(obtain());
  const auto again = obtain(/*reinstall=*/true);
  ASSERT_OK(again);
  EXPECT_EQ(read_file(*again).value(), "installation 2");
  EXPECT_EQ(files(), 1U);
}

TEST_F(InstalledBasesTest, LeavesNothingOfAFailure) {
  const auto fails = [this](const std::filesystem::path& disk) -> Result<void> {
    KILN_TRY(write_in_place(disk, "half"));
    return fail(ErrorKind::kGuestFailed, "Installer:Failed", "no space");
  };
  const auto failed = bases_.obtain(identity_, false, fails, events_, {});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), "Installer:Failed");
  EXPECT_EQ(files(), 0U);
}

TEST_F(InstalledBasesTest, KeepsTheOldOneWhereANewOneFails) {
  ASSERT_OK(obtain());
  const auto fails = [](const std::filesystem::path& /*disk*/) -> Result<void> {
    return fail(ErrorKind::kGuestFailed, "Installer:Failed", "no space");
  };
  EXPECT_FALSE(bases_.obtain(identity_, true, fails, events_, {}));
  EXPECT_EQ(read_file(bases_.path_of(identity_)).value(), "installation 1");
}

TEST_F(InstalledBasesTest, GoesOnWhereAKilledOneHasStopped) {
  ASSERT_OK(make_directories(bases_.partial_path_of(identity_).parent_path()));
  ASSERT_OK(write_in_place(bases_.partial_path_of(identity_), "left by a kill"));
  const auto base = obtain();
  ASSERT_OK(base);
  EXPECT_EQ(read_file(*base).value(), "installation 1");
  EXPECT_EQ(files(), 1U);
}

TEST_F(InstalledBasesTest, WaitsForWhoInstallsTheSame) {
  std::promise<void> started;
  std::promise<void> go_on;
  auto first = std::async(std::launch::async, [&] {
    const auto slow = [&](const std::filesystem::path& disk) -> Result<void> {
      started.set_value();
      go_on.get_future().wait();
      return write_in_place(disk, "the first's");
    };
    return bases_.obtain(identity_, false, slow, null_sink(), {});
  });
  started.get_future().wait();
  auto second = std::async(std::launch::async, [&] { return obtain(); });
  while (events_.messages(EventType::kNotice).empty()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_THAT(events_.messages(EventType::kNotice), Contains(HasSubstr("waiting for it")));
  go_on.set_value();
  ASSERT_OK(first.get());
  const auto base = second.get();
  ASSERT_OK(base);
  EXPECT_EQ(read_file(*base).value(), "the first's");
  EXPECT_EQ(installations_, 0);
  EXPECT_EQ(files(), 1U);
}

TEST_F(InstalledBasesTest, CanBeCancelledWhileItWaits) {
  CancelSource source;
  const auto slow = [&](const std::filesystem::path& /*disk*/) -> Result<void> {
    source.request();
    const auto waited = obtain(false, source.token());
    EXPECT_FALSE(waited);
    EXPECT_EQ(waited.error().kind(), ErrorKind::kCancelled);
    return cancelled();
  };
  EXPECT_FALSE(bases_.obtain(identity_, false, slow, events_, {}));
  EXPECT_EQ(installations_, 0);
}

}  // namespace
}  // namespace kiln::test
