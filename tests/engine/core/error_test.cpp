#include "engine/core/error.h"

#include "tests/support/matchers.h"

namespace kiln {
namespace {

Result<int> innermost() {
  return fail(ErrorKind::kIo, "File:Open", "cannot open {}", "disk.vhd")
      .at("disk.vhd")
      .cure("mount the drive")
      .quoting({"line one", "line two"});
}

Result<int> middle() {
  KILN_TRY_ASSIGN(const int value, innermost());
  return value;
}

Result<void> outer() {
  KILN_TRY_WHILE(middle(), "attaching {}", "the source");
  return {};
}

TEST(Error, CarriesEverythingUpAndDescribesIt) {
  const auto result = outer();
  ASSERT_FALSE(result.has_value());
  const auto error = Error(result.error())
                         .while_doing("building")
                         .followed_by(Error(ErrorKind::kIo, "X:Y", "could not clean up"));
  EXPECT_EQ(error.describe(),
            "cannot open disk.vhd [File:Open]\n"
            "  where: disk.vhd\n"
            "  while: attaching the source\n"
            "  while: building\n"
            "  | line one\n"
            "  | line two\n"
            "  also:  could not clean up\n"
            "  cure:  mount the drive");
  EXPECT_EQ(error.summary(), "cannot open disk.vhd (disk.vhd)");
  EXPECT_EQ(error.kind(), ErrorKind::kIo);
}

TEST(Error, TheInnermostPlaceAndCureWin) {
  const auto error =
      Error(ErrorKind::kIo, "A:B", "m").at("inner").at("outer").cure("first").cure("second");
  EXPECT_EQ(error.where(), "inner");
  EXPECT_EQ(error.cure(), "first");
}

TEST(Error, KindsHaveNames) {
  EXPECT_EQ(to_string(ErrorKind::kInvalidTemplate), "InvalidTemplate");
  EXPECT_EQ(to_string(ErrorKind::kCorruptImage), "CorruptImage");
  EXPECT_EQ(to_string(ErrorKind::kInternal), "Internal");
}

TEST(CheckDeathTest, ABrokenInvariantStopsTheProgram) {
  EXPECT_DEATH(KILN_CHECK(1 + 1 == 3), "internal error: 1 \\+ 1 == 3");
}

}  // namespace
}  // namespace kiln
