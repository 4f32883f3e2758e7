#include "engine/cli/render_text.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

/// What a renderer writes to standard error for `use`.
template <class Use>
std::string written(bool is_terminal, Use&& use) {
  testing::internal::CaptureStderr();
  {
    TextRenderer renderer(is_terminal);
    use(renderer);
  }
  return testing::internal::GetCapturedStderr();
}

Event output(std::string line) {
  Event event;
  event.type = EventType::kStepOutput;
  event.message = std::move(line);
  event.fields["stream"] = "stdout";
  return event;
}

TEST(RenderText, ShowsEachStepWithItsOutcomeAndTime) {
  const auto text = written(false, [](TextRenderer& renderer) {
    ActivityScope step(
        renderer, ActivityScope::Level::kStep, "customize", "customize-01", "Shell: a");
    renderer.emit(output("hello"));
    step.succeeded();
  });
  EXPECT_NE(text.find("  .. Shell: a\n"), std::string::npos) << text;
  EXPECT_NE(text.find("    | hello\n"), std::string::npos) << text;
  EXPECT_NE(text.find("ok Shell: a"), std::string::npos) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << "no escapes where there is no terminal";
}

TEST(RenderText, AGuestCannotReachTheTerminalsControlSequences) {
  for (const bool is_terminal : {false, true}) {
    const auto text = written(is_terminal, [](TextRenderer& renderer) {
      renderer.emit(
          output("a\x1b]0;title\x07"
                 "b\r\x7f"));
    });
    EXPECT_NE(text.find(R"(a\x1b]0;title\x07b\x0d\x7f)"), std::string::npos) << text;
  }
}

TEST(RenderText, ShortWorkSaysNothingOfItsProgress) {
  const auto report = [](TextRenderer& renderer) {
    Event event;
    event.type = EventType::kProgress;
    event.message = "convert";
    event.progress = Progress{1, 2, "bytes"};
    renderer.emit(event);
  };
  EXPECT_EQ(written(false, report), "");
  const auto on_terminal = written(true, report);
  EXPECT_NE(on_terminal.find("convert"), std::string::npos) << on_terminal;
  EXPECT_NE(on_terminal.find("50%"), std::string::npos) << on_terminal;
}

TEST(RenderText, OfStepsAtTheSameTimeTheLatestIsShownWithItsSpeed) {
  const auto text = written(true, [](TextRenderer& renderer) {
    ActivityScope first(renderer, ActivityScope::Level::kStep, "distribute", "d-01", "VHD: one");
    ActivityScope second(renderer, ActivityScope::Level::kStep, "distribute", "d-02", "VHD: two");
    Event event;
    event.type = EventType::kProgress;
    event.step_id = "d-01";
    event.progress = Progress{1, 4, "bytes"};
    event.fields = {{"bytesPerSecond", "2097152"}, {"secondsLeft", "90"}};
    renderer.emit(event);
  });
  const auto progress = text.find("(25%), 2.0 MiB/s, 1 min 30 s left");
  ASSERT_NE(progress, std::string::npos) << text;
  EXPECT_LT(text.rfind("VHD: two", progress), text.rfind("VHD: one", progress)) << text;
}

TEST(RenderText, TheStatusLineIsGoneAtTheEnd) {
  const auto text = written(true, [](TextRenderer& renderer) {
    ActivityScope step(
        renderer, ActivityScope::Level::kStep, "customize", "customize-01", "Shell: a");
  });
  const auto status = text.rfind("\xe2\x80\xa2");
  ASSERT_NE(status, std::string::npos) << text;
  EXPECT_NE(text.find("\r\x1b[K", status), std::string::npos) << text;
}

TEST(RenderText, ProgressIsInBytesAndPercent) {
  const auto text = written(true, [](TextRenderer& renderer) {
    ActivityScope step(renderer, ActivityScope::Level::kStep, "distribute", "distribute-01", "VHD");
    Event event;
    event.type = EventType::kProgress;
    event.progress = Progress{1U << 20U, 4U << 20U, "bytes"};
    renderer.emit(event);
  });
  EXPECT_NE(text.find("1.0 MiB of 4.0 MiB (25%)"), std::string::npos) << text;
}

}  // namespace
}  // namespace kiln
