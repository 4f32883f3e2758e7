#include "disk/inspect/windows/registry_text.h"

#include <gmock/gmock.h>

namespace kiln::test {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(RegistryText, ReadsUtf16ToItsZero) {
  const RegistryValue value{registry_type::kString, "G\0\xf6\0\xac\x20\x3d\xd8\x00\xde\0\0x\0"s};
  EXPECT_EQ(text_of(value), "Gö€😀");
}

TEST(RegistryText, ReplacesHalfPairsAndDropsAnOddByte) {
  EXPECT_EQ(text_of({registry_type::kString, "\x3d\xd8"s}), "\uFFFD");
  EXPECT_EQ(text_of({registry_type::kString, "\x00\xde\x41\0"s}), "\uFFFDA");
  EXPECT_EQ(text_of({registry_type::kExpandString, "A\0B"s}), "A");
  EXPECT_EQ(text_of({registry_type::kString, ""}), "");
}

TEST(RegistryText, ReadsOnlyItsOwnType) {
  EXPECT_EQ(text_of({registry_type::kDword, "A\0"s}), std::nullopt);
  EXPECT_THAT(texts_of({registry_type::kString, "A\0\0\0"s}), IsEmpty());
  EXPECT_EQ(number_of({registry_type::kString, "\1\0\0\0"s}), std::nullopt);
  EXPECT_EQ(number_of({registry_type::kDword, "\1\0\0"s}), std::nullopt);
  EXPECT_EQ(number_of({registry_type::kDword, "\1\2\0\0"s}), 0x201U);
}

TEST(RegistryText, ReadsTextsBeyondAnEmptyOne) {
  EXPECT_THAT(texts_of({registry_type::kMultiString, "A\0\0\0\0\0B\0\0\0\0\0"s}),
              ElementsAre("A", "B"));
}

TEST(RegistryText, WritesWhatItReads) {
  EXPECT_EQ(registry_text("Ab"), "A\0b\0\0\0"s);
}

}  // namespace
}  // namespace kiln::test
