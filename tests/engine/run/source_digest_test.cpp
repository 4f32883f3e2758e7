#include "engine/run/source_digest.h"

#include <fstream>

#include <gtest/gtest.h>

#include "engine/core/digest.h"
#include "engine/core/temp_dir.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

class SourceDigestTest : public testing::Test {
 protected:
  void write(std::string_view contents) { std::ofstream(image_) << contents; }
  ResolvedSource source(std::string_view contents) {
    ResolvedSource source;
    source.path = image_;
    source.expected_sha256 = sha256_hex(contents);
    return source;
  }
  TempDir folder_ = *TempDir::create();
  std::filesystem::path image_ = folder_.path() / "image";
  std::filesystem::path cache_ = folder_.path() / "cache";
};

TEST_F(SourceDigestTest, AcceptsTheRightFileAndRemembersIt) {
  write("right");
  EXPECT_OK(verify_source(source("right"), cache_, {}));
  EXPECT_TRUE(std::filesystem::exists(cache_ / "digests.json"));
  EXPECT_OK(verify_source(source("right"), cache_, {}));
}

TEST_F(SourceDigestTest, NoticesAChangeOfTheSameLength) {
  write("right");
  ASSERT_OK(verify_source(source("right"), cache_, {}));
  write("wrong");
  EXPECT_THAT(verify_source(source("right"), cache_, {}), test::FailsWith("Source:WrongDigest"));
}

TEST_F(SourceDigestTest, AnotherExpectationIsNotAnsweredFromMemory) {
  write("right");
  ASSERT_OK(verify_source(source("right"), cache_, {}));
  EXPECT_THAT(verify_source(source("other"), cache_, {}), test::FailsWith("Source:WrongDigest"));
}

TEST_F(SourceDigestTest, ADamagedMemoryOnlyCostsAnotherLook) {
  std::filesystem::create_directory(cache_);
  std::ofstream(cache_ / "digests.json") << "[not an object";
  write("right");
  EXPECT_OK(verify_source(source("right"), cache_, {}));
}

TEST_F(SourceDigestTest, WithoutAnExpectationNothingIsReadOrWritten) {
  ResolvedSource unknown;
  unknown.path = "/does/not/exist";
  EXPECT_OK(verify_source(unknown, cache_, {}));
  EXPECT_FALSE(std::filesystem::exists(cache_));
}

}  // namespace
}  // namespace kiln
