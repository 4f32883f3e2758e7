// The digest of a fetched file against the template's.
#include "customizers/inputs.h"

#include "engine/core/digest.h"
#include "engine/core/file.h"
#include "engine/core/temp_dir.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

using test::FailsWith;

TEST(VerifyInput, ComparesOnlyWhereTheTemplateGivesADigest) {
  const auto folder = TempDir::create();
  ASSERT_OK(folder);
  const auto path = folder->path() / "input";
  ASSERT_OK(write_file_atomic(path, "hello\n"));
  EXPECT_OK(verify_input(path, {"https://host/a", "", "here"}));
  EXPECT_OK(verify_input(path, {"https://host/a", sha256_hex("hello\n"), "here"}));
  const auto wrong =
      verify_input(path, {"https://host/a?sig=secret", std::string(64, '0'), "here"});
  ASSERT_THAT(wrong, FailsWith("Input:ChecksumMismatch"));
  EXPECT_EQ(wrong.error().where(), "here");
  EXPECT_THAT(wrong.error().message(), ::testing::HasSubstr(sha256_hex("hello\n")));
  EXPECT_THAT(wrong.error().message(), ::testing::Not(::testing::HasSubstr("secret")));
}

}  // namespace
}  // namespace kiln
