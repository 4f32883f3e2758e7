#include "engine/run/run_folder.h"

#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include "engine/core/temp_dir.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

class RunFolderTest : public testing::Test {
 protected:
  TempDir state_ = *TempDir::create();
};

TEST_F(RunFolderTest, IsAliveExactlyWhileItIsHeld) {
  std::filesystem::path path;
  {
    const auto folder = RunFolder::create(state_.path());
    ASSERT_OK(folder);
    path = folder->path();
    EXPECT_TRUE(run_is_alive(path));
    EXPECT_THAT(RunFolder::adopt(path), test::FailsWith("Run:Alive"));
    EXPECT_TRUE(std::filesystem::is_directory(folder->work()));
  }
  EXPECT_FALSE(run_is_alive(path));
  EXPECT_OK(RunFolder::adopt(path));
}

TEST_F(RunFolderTest, IsFoundByTheBeginningOfItsId) {
  const auto folder = RunFolder::create(state_.path());
  ASSERT_OK(folder);
  const auto found = find_run_folder(state_.path(), folder->id().substr(0, 8));
  ASSERT_OK(found);
  EXPECT_EQ(*found, folder->path());
  EXPECT_THAT(find_run_folder(state_.path(), "x"), test::FailsWith("Run:NotFound"));
  const auto second = RunFolder::create(state_.path());
  ASSERT_OK(second);
  EXPECT_THAT(find_run_folder(state_.path(), "2"), test::FailsWith("Run:Ambiguous"));
}

TEST_F(RunFolderTest, LatestIsTheNewestAndNothingIsNoError) {
  const auto none = list_run_folders(state_.path());
  ASSERT_OK(none);
  EXPECT_TRUE(none->empty());
  EXPECT_THAT(find_run_folder(state_.path(), "latest"), test::FailsWith("Run:NotFound"));
  std::filesystem::create_directories(state_.path() / "runs" / "20200101T000000Z-aaaaaa");
  // Several within a second.
  for (int i = 0; i < 20; ++i) {
    const auto newest = RunFolder::create(state_.path());
    ASSERT_OK(newest);
    const auto found = find_run_folder(state_.path(), "latest");
    ASSERT_OK(found);
    EXPECT_EQ(*found, newest->path());
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace
}  // namespace kiln
