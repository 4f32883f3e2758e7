#include "engine/run/timeline.h"

#include <fstream>

#include "engine/core/temp_dir.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

class TimelineTest : public testing::Test {
 protected:
  void write(const std::string& lines) const {
    std::ofstream(folder_.path() / "events.jsonl", std::ios::app) << lines;
  }
  TempDir folder_ = *TempDir::create();
};

constexpr const char* kBuild = R"({"type":"build.started","time":"2026-01-31T23:59:59.500Z"}
{"type":"phase.started","time":"2026-01-31T23:59:59.500Z","phase":"customize","message":"customize"}
{"type":"step.started","time":"2026-01-31T23:59:59.500Z","phase":"customize","stepId":"customize-sandbox","message":"start"}
{"type":"notice","time":"2026-02-01T00:00:03.500Z","message":"up in 3.5 s","fields":{"kind":"vm","what":"up","milliseconds":"3500"}}
{"type":"step.finished","time":"2026-02-01T00:00:04.500Z","phase":"customize","stepId":"customize-sandbox","message":"start","fields":{"outcome":"succeeded","milliseconds":"5000"}}
{"type":"step.started","time":"2026-02-01T00:00:04.500Z","phase":"customize","stepId":"customize-01","message":"Shell: one"}
{"type":"step.finished","time":"2026-02-01T00:00:09.500Z","phase":"customize","stepId":"customize-01","message":"Shell: one","fields":{"outcome":"succeeded","milliseconds":"5000"}}
{"type":"phase.finished","time":"2026-02-01T00:00:09.500Z","phase":"customize","message":"customize","fields":{"outcome":"succeeded","milliseconds":"10000"}}
)";

TEST_F(TimelineTest, HasPhasesStepsAndWhatIsWithinThemInOrder) {
  write(kBuild);
  const auto read = read_timeline(folder_.path());
  ASSERT_OK(read);
  std::string text;
  for (const auto& span : read->spans) {
    text += fmt::format("{}{} {} {}+{}\n",
                        std::string(static_cast<std::size_t>(span.depth), '.'),
                        span.name,
                        span.kind,
                        span.start.count(),
                        span.length.count());
  }
  EXPECT_EQ(text,
            "customize phase 0+10000\n"
            ".start vm 0+5000\n"
            "..up vm 500+3500\n"
            ".Shell: one guest 5000+5000\n");
  EXPECT_EQ(read->length, milliseconds(10000));
  EXPECT_EQ(read->by_kind(),
            (std::map<std::string, milliseconds>{{"vm", milliseconds(3500)},
                                                 {"guest", milliseconds(5000)}}));
  const auto shown = describe_timeline(*read);
  EXPECT_THAT(shown, HasSubstr("|                    ####################|"));
  EXPECT_THAT(shown, HasSubstr("10.0 s in all: guest 5.0 s, vm 3.5 s"));
}

TEST_F(TimelineTest, WhereAnUploadWentIsNetwork) {
  write(
      R"({"type":"step.started","time":"2026-02-01T00:00:00.000Z","stepId":"distribute-01","message":"VHD"}
{"type":"step.started","time":"2026-02-01T00:00:00.000Z","stepId":"distribute-02","message":"VHD"}
{"type":"progress","time":"2026-02-01T00:00:00.100Z","stepId":"distribute-01","message":"uploading: 1 %"}
{"type":"progress","time":"2026-02-01T00:00:00.100Z","stepId":"distribute-02","message":"writing x.vhd: 1 %"}
{"type":"step.finished","time":"2026-02-01T00:00:01.000Z","stepId":"distribute-02","fields":{"outcome":"succeeded","milliseconds":"1000"}}
{"type":"step.finished","time":"2026-02-01T00:00:01.000Z","stepId":"distribute-01","fields":{"outcome":"succeeded","milliseconds":"1000"}}
)");
  const auto read = read_timeline(folder_.path());
  ASSERT_OK(read);
  EXPECT_EQ(read->spans.at(0).kind, "network");
  EXPECT_EQ(read->spans.at(1).kind, "disk");
}

TEST_F(TimelineTest, WhatAKilledRunLeftOpenIsThereAndSoIsNothingElse) {
  write(R"({"type":"phase.started","time":"2026-02-01T00:00:00.000Z","message":"customize"}
{"type":"step.started","time":"2026-02-01T00:00:01.000Z","stepId":"customize-01","message":"Shell"}
{"type":"notice","time":"2026-02-01T00:00:04.000Z","message":"x"}
"torn)"
        "\n[]\n{\"type\":\"notice\",\"time\":7}\n{\"type\":\"step.fini");
  const auto read = read_timeline(folder_.path());
  ASSERT_OK(read);
  ASSERT_EQ(read->spans.size(), 2U);
  EXPECT_EQ(read->spans[1].outcome, "interrupted");
  EXPECT_EQ(read->spans[1].length, milliseconds(3000));
  EXPECT_EQ(read->spans[1].kind, "guest");
  EXPECT_EQ(read->spans[0].length, milliseconds(4000));
}

}  // namespace
}  // namespace kiln
