#include "engine/core/event.h"

#include <stdexcept>

#include "tests/support/matchers.h"
#include "tests/support/recording_sink.h"

namespace kiln {
namespace {

using test::RecordingSink;

Event last(const RecordingSink& sink) {
  return sink.events().back();
}

TEST(ActivityScope, AnnouncesItsStartAtOnce) {
  RecordingSink sink;
  const ActivityScope scope(
      sink, ActivityScope::Level::kStep, "customize", "customize-01", "Shell");
  ASSERT_EQ(sink.events().size(), 1U);
  EXPECT_EQ(sink.events()[0].type, EventType::kStepStarted);
  EXPECT_EQ(sink.events()[0].step_id, "customize-01");
  EXPECT_EQ(sink.events()[0].message, "Shell");
}

TEST(ActivityScope, FinishesAsFailedOnAnEarlyReturn) {
  RecordingSink sink;
  const auto leave = [&]() -> Result<void> {
    const ActivityScope scope(sink, ActivityScope::Level::kPhase, "attach", "", "attach");
    KILN_TRY(Result<void>(Error(ErrorKind::kIo, "A:B", "m")));
    return {};
  };
  EXPECT_FALSE(leave().has_value());
  ASSERT_EQ(sink.events().size(), 2U);
  EXPECT_EQ(last(sink).type, EventType::kPhaseFinished);
  EXPECT_EQ(last(sink).phase, "attach");
  EXPECT_EQ(last(sink).fields.at("outcome"), "failed");
}

TEST(ActivityScope, FinishesWhenAnExceptionPasses) {
  RecordingSink sink;
  const auto leave = [&] {
    const ActivityScope scope(sink, ActivityScope::Level::kPhase, "p", "", "p");
    throw std::runtime_error("from a library");
  };
  EXPECT_THROW(leave(), std::runtime_error);
  EXPECT_EQ(last(sink).type, EventType::kPhaseFinished);
}

TEST(ActivityScope, TellsTheOutcomes) {
  RecordingSink sink;
  const auto with = [&](const std::function<void(ActivityScope&)>& act) {
    {
      ActivityScope scope(sink, ActivityScope::Level::kStep, "p", "s", "m");
      act(scope);
    }
    return last(sink).fields;
  };
  EXPECT_EQ(with([](auto& scope) { scope.succeeded(); }).at("outcome"), "succeeded");
  EXPECT_EQ(with([](auto& scope) { scope.skipped(); }).at("outcome"), "skipped");
  const auto failed = with([](auto& scope) {
    scope.failed(Error(ErrorKind::kGuestFailed, "Shell:ExitCode", "ended with 3"));
  });
  EXPECT_EQ(failed.at("outcome"), "failed");
  EXPECT_EQ(failed.at("code"), "Shell:ExitCode");
  EXPECT_EQ(failed.at("error"), "ended with 3");
  EXPECT_EQ(with([](auto& scope) {
              scope.failed(Error(ErrorKind::kCancelled, "Run:Cancelled", "cancelled"));
            }).at("outcome"),
            "cancelled");
  EXPECT_GE(std::stoll(failed.at("milliseconds")), 0);
}

TEST(Event, NoticesAndWarningsReachTheSink) {
  RecordingSink sink;
  notice(sink, "n", "attach");
  warning(sink, "w");
  EXPECT_THAT(sink.messages(EventType::kNotice), testing::ElementsAre("n"));
  EXPECT_THAT(sink.messages(EventType::kWarning), testing::ElementsAre("w"));
  null_sink().emit(Event{});
}

TEST(Event, WireNames) {
  EXPECT_EQ(to_string(EventType::kStepOutput), "step.output");
  EXPECT_EQ(to_string(EventType::kBuildFinished), "build.finished");
}

}  // namespace
}  // namespace kiln
