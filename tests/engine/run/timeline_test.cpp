#include "engine/run/report/timeline.h"

#include <fstream>

#include "engine/core/temp_dir.h"
#include "engine/run/report/run_report.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

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

TEST(RunReport, EscapesWhatATemplateSays) {
  Timeline timeline;
  timeline.spans.push_back({"Shell: <script>", "guest", "succeeded", {}, milliseconds(5), 1});
  const nlohmann::json record = {
      {"plan", {{"template", "a&b"}}},
      {"layers", {{{"key", "abc"}, {"what", "<b>"}, {"bytes", 1024U}, {"served", true}}}}};
  RunChanges changes;
  changes.layers.push_back({"abc", "Shell: \"x\"", {{"/etc/<i>", 3, {}}}});
  const auto page = report_html(record, timeline, &changes);
  for (const auto* text : {"Shell: &lt;script&gt;",
                           "a&amp;b",
                           "&lt;b&gt;",
                           "1.0 KiB",
                           "/etc/&lt;i&gt;",
                           "Shell: &quot;x&quot;: 1 file<"}) {
    EXPECT_THAT(page, HasSubstr(text));
  }
  EXPECT_THAT(page, Not(HasSubstr("<script>")));
  EXPECT_THAT(page, Not(HasSubstr("http")));  // it needs nothing else
}

TEST(AssignChanges, ByTheTimeOfTheLayerAndToNoneBetween) {
  const auto layer = [](const std::string& key, const std::string& made, int seconds) {
    Layer one;
    one.files = {{key, key, ""}};
    one.what = key;
    one.made = made;
    one.took = std::chrono::seconds(seconds);
    return one;
  };
  const auto file = [](const std::string& path, const std::string& time) {
    return ChangedFile{path, 1, *read_time(time)};
  };
  const auto changes = assign_changes(
      {layer("a", "2026-01-31T12:00:10.000Z", 10), layer("b", "2026-01-31T13:00:10.000Z", 10)},
      {{file("/before", "2026-01-31T11:59:59.999Z"),
        file("/a", "2026-01-31T12:00:10.000Z"),
        file("/between", "2026-01-31T12:30:00.000Z"),
        file("/b", "2026-01-31T13:00:00.000Z")},
       7});
  ASSERT_EQ(changes.layers.size(), 2U);
  ASSERT_EQ(changes.layers[0].files.size(), 1U);
  EXPECT_EQ(changes.layers[0].files[0].path, "/a");
  ASSERT_EQ(changes.layers[1].files.size(), 1U);
  EXPECT_EQ(changes.layers[1].files[0].path, "/b");
  EXPECT_EQ(changes.more, 7U);
}

}  // namespace
}  // namespace kiln
