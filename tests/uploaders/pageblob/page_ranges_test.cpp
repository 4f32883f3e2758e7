#include "uploaders/pageblob/page_ranges.h"

#include "tests/support/matchers.h"

namespace kiln::test {
namespace {

using Ranges = std::vector<PageRange>;

TEST(PageRangesTest, NeighboursAreJoined) {
  PageRangeSet set;
  set.add({0, 512});
  set.add({512, 1024});
  set.add({4096, 512});
  set.add({5000, 0});
  EXPECT_EQ(set.ranges(), (Ranges{{0, 1536}, {4096, 512}}));
  EXPECT_EQ(set.bytes(), 2048U);
}

TEST(PageRangesTest, WindowsCutAtTheirEdges) {
  PageRangeSet set;
  set.add({0, 1000});
  set.add({2000, 1000});
  set.add({4000, 1000});
  EXPECT_EQ(set.within(500, 4500).ranges(), (Ranges{{500, 500}, {2000, 1000}, {4000, 500}}));
  EXPECT_EQ(set.within(1000, 2000).ranges(), Ranges{});
  EXPECT_EQ(set.within(0, 9000).ranges(), set.ranges());
  // Windows tile: nothing is lost or counted twice.
  std::uint64_t sum = 0;
  for (std::uint64_t begin = 0; begin < 6000; begin += 700) {
    sum += set.within(begin, begin + 700).bytes();
  }
  EXPECT_EQ(sum, set.bytes());
}

TEST(PageRangesTest, ParsesTheServicesAnswer) {
  const auto list = parse_page_list(
      "<?xml version=\"1.0\" encoding=\"utf-8\"?><PageList>"
      "<PageRange><Start>4096</Start><End>4607</End></PageRange>"
      "<PageRange><Start>0</Start><End>511</End></PageRange>"
      "<ClearRange><Start>512</Start><End>1023</End></ClearRange>"
      "<NextMarker>more</NextMarker></PageList>");
  ASSERT_OK(list);
  EXPECT_EQ(list->ranges, (Ranges{{0, 512}, {4096, 512}}));
  EXPECT_EQ(list->next_marker, "more");
}

TEST(PageRangesTest, RefusesNonsense) {
  const auto range = [](const std::string& start, const std::string& end) {
    return "<PageList><PageRange><Start>" + start + "</Start><End>" + end +
           "</End></PageRange></PageList>";
  };
  for (const auto& xml : {std::string(),
                          std::string("<Error/>"),
                          std::string("<PageList>"),
                          range("", "1"),
                          range("5", "4"),
                          range("-1", "4"),
                          range("0", "18446744073709551615"),
                          range("0", "1x")}) {
    EXPECT_THAT(parse_page_list(xml), FailsWith("Storage:BadPageList")) << xml;
  }
}

TEST(PageRangesTest, WithoutIsWhatTheOtherLacks) {
  PageRangeSet all;
  for (const auto& range : {PageRange{0, 1024}, {4096, 4096}, {16384, 512}}) all.add(range);
  PageRangeSet cut;
  for (const auto& range : {PageRange{512, 512}, {4608, 512}, {6144, 4096}, {16384, 1024}}) {
    cut.add(range);
  }
  EXPECT_EQ(all.without(cut).ranges(),
            (std::vector<PageRange>{{0, 512}, {4096, 512}, {5120, 1024}}));
  EXPECT_EQ(all.without({}).ranges(), all.ranges());
  EXPECT_TRUE(all.without(all).ranges().empty());
  PageRangeSet whole;
  whole.add({0, 1 << 20});
  EXPECT_TRUE(all.without(whole).ranges().empty());
}

}  // namespace
}  // namespace kiln::test
