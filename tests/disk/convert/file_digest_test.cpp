#include "disk/convert/file_digest.h"

#include <fstream>

#include "engine/core/bytes.h"
#include "engine/core/temp_dir.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

class FileDigestTest : public testing::Test {
 protected:
  std::string digest(const std::string& contents) {
    std::ofstream(path_, std::ios::trunc) << contents;
    const auto found = file_digest(path_, {});
    EXPECT_OK(found);
    return found ? *found : "";
  }
  TempDir folder_ = *TempDir::create();
  std::filesystem::path path_ = folder_.path() / "file";
};

TEST_F(FileDigestTest, TellsEveryByteAndTheLength) {
  const auto known = digest(std::string(100'000, 'x') + "end");
  EXPECT_EQ(known.size(), 32U);
  EXPECT_EQ(digest(std::string(100'000, 'x') + "end"), known);
  EXPECT_NE(digest(std::string(100'000, 'x') + "enD"), known);
  EXPECT_NE(digest("y" + std::string(99'999, 'x') + "end"), known);
  EXPECT_NE(digest(std::string(100'000, 'x') + "end" + std::string(1, '\0')), known);
  EXPECT_EQ(digest("").size(), 32U);
}

TEST_F(FileDigestTest, AHoleIsZeros) {
  std::ofstream(path_) << "x";
  std::filesystem::resize_file(path_, 3 * kMiB);
  const auto sparse = file_digest(path_, {});
  ASSERT_OK(sparse);
  EXPECT_EQ(digest("x" + std::string(3 * kMiB - 1, '\0')), *sparse);
}

TEST_F(FileDigestTest, WhatIsNotThereHasNone) {
  EXPECT_THAT(file_digest(path_, {}), test::FailsWith("Disk:Stat"));
}

}  // namespace
}  // namespace kiln
