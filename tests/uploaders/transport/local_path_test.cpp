#include <fstream>
#include <sys/stat.h>

#include "engine/core/file.h"
#include "engine/core/temp_dir.h"
#include "tests/support/matchers.h"
#include "uploaders/transport/fetcher.h"

namespace kiln::test {
namespace {

TEST(LocalPathTest, PathsAndFileUris) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"scripts/a.sh", "/base/scripts/a.sh"},
      {"/abs/a.sh", "/abs/a.sh"},
      {"file:///abs/a%20b.sh", "/abs/a b.sh"},
      {"file:/abs/a.sh", "/abs/a.sh"},
      {"FILE://localhost/abs/a.sh", "/abs/a.sh"},
      {"file:rel/a.sh", "/base/rel/a.sh"},
      {"a%20b", "/base/a%20b"},
      {"c:odd", "/base/c:odd"},
  };
  for (const auto& [uri, expected] : cases) {
    const auto path = local_path(uri, "/base");
    ASSERT_OK(path);
    EXPECT_EQ(*path, expected) << uri;
  }
}

TEST(LocalPathTest, Refusals) {
  EXPECT_THAT(local_path("", "/base"), FailsWith("Fetch:Uri"));
  EXPECT_THAT(local_path("file:", "/base"), FailsWith("Fetch:Uri"));
  EXPECT_THAT(local_path("file:///a%00b", "/base"), FailsWith("Fetch:Uri"));
  EXPECT_THAT(local_path("file://server/share", "/base"), FailsWith("Fetch:FileHost"));
  EXPECT_THAT(local_path("s3://bucket/key", "/base"), FailsWith("Fetch:Scheme"));
}

class LocalFetchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = TempDir::create();
    ASSERT_OK(made);
    folder_.emplace(*std::move(made));
    fetcher_ = make_fetcher(folder_->path());
  }
  [[nodiscard]] std::size_t files() const {
    const std::filesystem::directory_iterator all(folder_->path());
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }
  std::optional<TempDir> folder_;
  std::unique_ptr<Fetcher> fetcher_;
};

TEST_F(LocalFetchTest, CopiesRelativeToTheBase) {
  const std::string contents(3 * kMiB + 17, 'x');
  ASSERT_OK(write_file_atomic(folder_->path() / "in put", contents));
  EXPECT_OK(fetcher_->check("file:in%20put", {}));
  const auto target = folder_->path() / "out";
  ASSERT_OK(fetcher_->fetch("in put", target, {}));
  const auto copied = read_file(target);
  ASSERT_OK(copied);
  EXPECT_TRUE(*copied == contents);
  EXPECT_EQ(files(), 2U);
}

TEST_F(LocalFetchTest, FailuresLeaveNothing) {
  EXPECT_THAT(fetcher_->check("missing", {}), FailsWith("Fetch:LocalFile"));
  EXPECT_THAT(fetcher_->fetch("missing", folder_->path() / "out", {}),
              FailsWith("Fetch:LocalFile"));
  EXPECT_THAT(fetcher_->check(".", {}), FailsWith("Fetch:NotAFile"));
  ASSERT_OK(write_file_atomic(folder_->path() / "input", "text"));
  CancelSource cancelled;
  cancelled.request();
  EXPECT_THAT(fetcher_->fetch("input", folder_->path() / "out", cancelled.token()),
              FailsWith("Run:Cancelled"));
  EXPECT_EQ(files(), 1U);
}

}  // namespace
}  // namespace kiln::test
