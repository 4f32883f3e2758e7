#include "engine/agent/destination.h"

#include "tests/support/matchers.h"

namespace kiln {
namespace {

TEST(ParseDestination, TakesNamesAndAddresses) {
  EXPECT_EQ(parse_destination("packages.example:443").value(),
            (Destination{"packages.example", 443}));
  EXPECT_EQ(parse_destination("10.1.2.3:65535").value(), (Destination{"10.1.2.3", 65535}));
  EXPECT_EQ(to_string(Destination{"a_b-c.example", 80}), "a_b-c.example:80");
}

TEST(ParseDestination, RefusesAnAmbiguousName) {
  EXPECT_THAT(parse_destination("localhost:80"), test::FailsWith("Network:Localhost"));
}

TEST(ParseDestination, RefusesWhatNamesNoServer) {
  for (const auto* text : {"",
                           ":",
                           ":80",
                           "a",
                           "a:",
                           "a:0",
                           "a:65536",
                           "a:80x",
                           "a:-1",
                           "a b:80",
                           "a\n:80",
                           "http://a:80",
                           "::1:80"}) {
    EXPECT_THAT(parse_destination(text), test::FailsWith("Network:Destination")) << text;
  }
}

}  // namespace
}  // namespace kiln
