#include "tests/support/matchers.h"
#include "uploaders/shared_image/version_number.h"

namespace kiln {
namespace {

using test::FailsWith;

std::vector<VersionNumber> numbers(const std::vector<std::string>& texts) {
  std::vector<VersionNumber> all;
  for (const auto& text : texts) all.push_back(parse_version_number(text).value());
  return all;
}

TEST(VersionNumbers, AreThreeOf32Bits) {
  EXPECT_EQ(parse_version_number("1.20.4294967295"), (VersionNumber{1, 20, 4294967295}));
  for (const auto* text :
       {"", "1.2", "1.2.3.4", "1.2.x", "1..3", "1.2.4294967296", "-1.2.3", "latest"}) {
    EXPECT_FALSE(parse_version_number(text).has_value()) << text;
  }
}

TEST(VersionNumbers, OfTheSchemeLatestFollowTheHighest) {
  // The service's own example, in any order.
  const auto there =
      numbers({"2.0.1", "0.1.1", "1.2.0", "0.1.2", "1.0.0", "1.1.0", "2.1.0", "2.0.0"});
  const std::vector<std::pair<std::int64_t, std::string>> cases = {
      {-1, "2.1.1"}, {2, "2.1.1"}, {1, "1.2.1"}, {0, "0.1.3"}, {7, "7.0.0"}};
  for (const auto& [major, number] : cases)
    EXPECT_EQ(to_string(*next_version(there, major)), number);
  EXPECT_EQ(to_string(*next_version({}, -1)), "1.0.0");
  EXPECT_EQ(to_string(*next_version({}, 0)), "0.0.1");
  EXPECT_EQ(to_string(*next_version(numbers({"1.9.0", "1.10.0"}), -1)), "1.10.1");
  EXPECT_THAT(next_version(numbers({"1.0.4294967295"}), -1),
              FailsWith("SharedImage:NoNextVersion"));
}

}  // namespace
}  // namespace kiln
