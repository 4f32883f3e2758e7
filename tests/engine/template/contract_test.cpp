// Real templates from public repositories, kept outside of this tree: each parses, or is refused
// with an error that a person can act on.
#include <map>

#include "engine/core/file.h"
#include "engine/template/parse.h"
#include "tests/support/matchers.h"
#include "tests/support/real_templates.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

TEST(TemplateContract, RealTemplatesParseOrSayWhyNot) {
  const auto folder = test::shared_folder() / "templates";
  if (!fs::is_directory(folder)) {
    GTEST_SKIP() << "no real templates at " << folder << "; set KILN_SHARED_DIR";
  }
  std::map<std::string, int> outcomes;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    SCOPED_TRACE(entry.path());
    const auto text = read_template_file(entry.path());
    ASSERT_OK(text);
    const auto parsed = parse_template(*text, entry.path().string());
    ++outcomes[parsed ? "parsed" : parsed.error().code()];
    if (parsed) {
      EXPECT_FALSE(parsed->name.empty());
      EXPECT_FALSE(parsed->distribute.empty());
      continue;
    }
    EXPECT_THAT(parsed.error().code(), testing::HasSubstr(":"));
    EXPECT_THAT(parsed.error().where(), testing::StartsWith(entry.path().string()));
    EXPECT_FALSE(parsed.error().cure().empty()) << parsed.error().describe();
  }
  for (const auto& [outcome, count] : outcomes) {
    RecordProperty(outcome, count);
    std::printf("%4d %s\n", count, outcome.c_str());
  }
  EXPECT_GT(outcomes["Parameter:Missing"], 0);
  EXPECT_GT(outcomes["Template:Placeholder"], 0);
}

}  // namespace
}  // namespace kiln
