#include "engine/run/job_slots.h"

#include <future>

#include "engine/core/temp_dir.h"
#include "tests/support/matchers.h"
#include "tests/support/recording_sink.h"

namespace kiln {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class JobSlotsTest : public testing::Test {
 protected:
  auto take(JobLimits limits, std::uint64_t memory_mib, const CancelToken& cancel = {}) {
    return JobSlots(folder_.path(), limits).take(memory_mib, events_, cancel);
  }
  /// Of one that has to wait, and is told to stop when it has said so.
  Result<UniqueFd> take_and_give_up(JobLimits limits, std::uint64_t memory_mib) {
    CancelSource user;
    auto waiting =
        std::async(std::launch::async, [&] { return take(limits, memory_mib, user.token()); });
    for (int i = 0; i < 500 && events_.messages(EventType::kNotice).empty(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    user.request();
    return waiting.get();
  }
  TempDir folder_ = *TempDir::create();
  test::RecordingSink events_;
};

TEST_F(JobSlotsTest, GivesAsManyAsThereAreAndOneThatIsFreeAgain) {
  auto first = take({2, 4096}, 1024);
  const auto second = take({2, 4096}, 1024);
  ASSERT_OK(first);
  ASSERT_OK(second);
  EXPECT_THAT(events_.messages(EventType::kNotice), IsEmpty());
  EXPECT_THAT(take_and_give_up({2, 4096}, 1024), test::FailsWith("Run:Cancelled"));
  EXPECT_THAT(events_.messages(EventType::kNotice), SizeIs(1));
  first->reset();
  EXPECT_OK(take({2, 4096}, 1024));
}

TEST_F(JobSlotsTest, MemoryIsLimitedButNotTheFirstOnes) {
  const auto large = take({4, 1000}, 2000);
  ASSERT_OK(large);
  EXPECT_FALSE(take_and_give_up({4, 1000}, 1).has_value());
}

TEST_F(JobSlotsTest, WithoutALimitNothingIsTaken) {
  const auto none = take({}, 1 << 30);
  ASSERT_OK(none);
  EXPECT_FALSE(static_cast<bool>(*none));
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

}  // namespace
}  // namespace kiln
