#include "engine/core/uri_map.h"

#include <fstream>

#include "engine/core/temp_dir.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

using test::FailsWith;

/// Says what it was asked for.
class EchoFetcher : public Fetcher {
 public:
  Result<std::string> fetch(const std::string& uri,
                            const std::filesystem::path& /*destination*/,
                            const CancelToken& /*cancel*/) override {
    asked = uri;
    return std::string("digest");
  }
  Result<void> check(const std::string& uri, const CancelToken& /*cancel*/) override {
    asked = uri;
    return {};
  }
  std::string asked;
};

class UriMapTest : public testing::Test {
 protected:
  [[nodiscard]] Result<UriMap> load(const std::string& text) const {
    std::ofstream(folder_.path() / "map.json") << text;
    return UriMap::load(folder_.path() / "map.json");
  }
  [[nodiscard]] std::string local(const std::string& name) const {
    return (folder_.path() / name).string();
  }

  TempDir folder_ = *TempDir::create();
};

TEST_F(UriMapTest, FindsWholeUrisAndTheLongestBeginning) {
  const auto map = load(R"({"https://h/a.sh": "one.sh", "https://h/": "all", "https://h/b/": "b",
                            "https://h/q?v=1": "/abs/q"})");
  ASSERT_OK(map);
  EXPECT_EQ(map->find("https://h/a.sh"), local("one.sh"));
  EXPECT_EQ(map->find("https://h/a.sh?sig=x"), local("one.sh"));
  EXPECT_EQ(map->find("https://h/c/d.sh"), local("all/c/d.sh"));
  EXPECT_EQ(map->find("https://h/b/d.sh?x#y"), local("b/d.sh"));
  EXPECT_EQ(map->find("https://h/q?v=1"), "/abs/q");
  EXPECT_FALSE(map->find("https://other/a.sh").has_value());
}

TEST_F(UriMapTest, ABeginningNeverLeadsOutOfItsFolder) {
  const auto map = load(R"({"https://h/": "all"})");
  ASSERT_OK(map);
  EXPECT_FALSE(map->find("https://h/../etc/passwd").has_value());
  EXPECT_FALSE(map->find("https://h//etc/passwd").has_value());
}

TEST_F(UriMapTest, RefusesWhatIsNoMap) {
  EXPECT_THAT(load("[]"), FailsWith("Json:WrongType"));
  EXPECT_THAT(load(R"({"https://h/a": 1})"), FailsWith("Json:WrongType"));
  EXPECT_THAT(load(R"({"": "a"})"), FailsWith("UriMap:Empty"));
  EXPECT_THAT(UriMap::load("/nonexistent"), FailsWith("File:Open"));
}

TEST_F(UriMapTest, OfflineRefusesWhatTheMapDoesNotHave) {
  const auto map = load(R"({"https://h/a.sh": "one.sh"})");
  ASSERT_OK(map);
  EchoFetcher inner;
  const auto fetcher = make_mapped_fetcher(inner, *map, /*offline=*/true);
  EXPECT_OK(fetcher->fetch("https://h/a.sh", "x", {}));
  EXPECT_EQ(inner.asked, local("one.sh"));
  EXPECT_OK(fetcher->check("local.sh", {}));
  EXPECT_EQ(inner.asked, "local.sh");
  EXPECT_OK(fetcher->fetch("file:///a/b", "x", {}));
  EXPECT_THAT(fetcher->fetch("HTTPS://h/b.sh", "x", {}), FailsWith("Fetch:Offline"));
  EXPECT_THAT(fetcher->check("http://h/b.sh", {}), FailsWith("Fetch:Offline"));
  const auto online = make_mapped_fetcher(inner, *map, /*offline=*/false);
  EXPECT_OK(online->fetch("https://h/b.sh", "x", {}));
  EXPECT_EQ(inner.asked, "https://h/b.sh");
}

}  // namespace
}  // namespace kiln
