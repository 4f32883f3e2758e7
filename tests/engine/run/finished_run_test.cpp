#include "engine/run/finished_run.h"

#include <gtest/gtest.h>

#include "tests/support/matchers.h"

namespace kiln {
namespace {

using test::FailsWith;

FinishedRun over_a_source() {
  FinishedRun finished;
  finished.overlays = LinkedDisk{{"overlay.qcow2"}, "/images/debian.vhd", "1:2.3"};
  finished.targets = {{"distribute-01", "web", {{"type", "VHD"}, {"runOutputName", "vhd"}}}};
  finished.validated = false;
  return finished;
}

TEST(FinishedRunTest, IsReadAsItWasWritten) {
  const auto read = read_finished_run({{"finished", to_json(over_a_source())}}, "r");
  ASSERT_OK(read);
  ASSERT_TRUE(read->overlays.has_value());
  EXPECT_EQ(read->overlays->overlays, std::vector<std::string>{"overlay.qcow2"});
  EXPECT_EQ(read->overlays->source, "/images/debian.vhd");
  EXPECT_EQ(read->overlays->source_state, "1:2.3");
  EXPECT_FALSE(read->validated);
  ASSERT_EQ(read->targets.size(), 1U);
  EXPECT_EQ(read->targets[0].id, "distribute-01");
  EXPECT_EQ(read->targets[0].suggested_name, "web");
  EXPECT_EQ(read->targets[0].body["runOutputName"], "vhd");

  auto whole = over_a_source();
  whole.overlays.reset();
  const auto again = read_finished_run({{"finished", to_json(whole)}}, "r");
  ASSERT_OK(again);
  EXPECT_FALSE(again->overlays.has_value());
}

TEST(FinishedRunTest, ARecordWithoutOneSaysHowToGetOne) {
  const auto read = read_finished_run(nlohmann::json::object(), "r");
  ASSERT_THAT(read, FailsWith("Run:NothingFinished"));
  EXPECT_NE(read.error().cure().find("--distribute-later"), std::string::npos);
}

TEST(FinishedRunTest, DamagedAndForgedRecordsAreRefused) {
  const auto good = to_json(over_a_source());
  const auto refused = [&](const char* pointer, const nlohmann::json& value) {
    auto json = good;
    json[nlohmann::json::json_pointer(pointer)] = value;
    EXPECT_THAT(read_finished_run({{"finished", json}}, "r"), FailsWith("Run:DamagedRecord"))
        << pointer;
  };
  refused("/formatVersion", 2);
  refused("/overlays", {"../../etc/passwd"});
  refused("/overlays", nlohmann::json::array());
  refused("/source", "x");
  refused("/whole", "yes");
  refused("/targets/0/id", "../lock");
  refused("/targets/0/suggestedName", "../../web");
  refused("/targets/0/body", 7);
  refused("/targets", 7);
}

TEST(FinishedRunTest, SignaturesAreCutWhereverTheyStand) {
  const nlohmann::json body = {
      {"uri", "https://a.blob.example/c/b.vhd?sv=1&sig=x"},
      {"list", {{{"deeper", "http://h/p?sig=y"}}, "a?b", 7}},
  };
  EXPECT_EQ(without_signatures(body),
            (nlohmann::json{{"uri", "https://a.blob.example/c/b.vhd"},
                            {"list", {{{"deeper", "http://h/p"}}, "a?b", 7}}}));
}

}  // namespace
}  // namespace kiln
