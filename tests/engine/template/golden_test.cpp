// Every sample that must fail, against the whole text of its error. KILN_ACCEPT=1 writes the texts
// anew; look at the difference before committing it.
#include <algorithm>
#include <cstdlib>

#include "engine/core/file.h"
#include "engine/template/parse.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> samples(const std::string& folder) {
  std::vector<fs::path> found;
  for (const auto& entry :
       fs::directory_iterator(KILN_SOURCE_DIR "/fixtures/templates/" + folder)) {
    if (entry.path().extension() == ".json") found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// The way the sample would be named on a command line in its own folder.
Result<ImageTemplate> parse_sample(const fs::path& path) {
  KILN_TRY_ASSIGN(const auto text, read_file(path));
  return parse_template(text, path.filename().string());
}

TEST(TemplateGolden, ValidSamplesParse) {
  const auto found = samples("valid");
  ASSERT_FALSE(found.empty());
  for (const auto& path : found) EXPECT_OK(parse_sample(path));
}

TEST(TemplateGolden, InvalidSamplesSayWhatWhereAndTheCure) {
  const bool accept = std::getenv("KILN_ACCEPT") != nullptr;
  const auto found = samples("invalid");
  ASSERT_FALSE(found.empty());
  for (const auto& path : found) {
    SCOPED_TRACE(path.filename());
    const auto parsed = parse_sample(path);
    ASSERT_FALSE(parsed.has_value());
    const auto text = parsed.error().describe() + "\n";
    auto expected = path;
    expected.replace_extension(".txt");
    if (accept) {
      ASSERT_OK(write_file_atomic(expected, text));
    } else {
      const auto golden = read_file(expected);
      ASSERT_OK(golden);
      EXPECT_EQ(text, *golden);
    }
    EXPECT_FALSE(parsed.error().where().empty());
    EXPECT_FALSE(parsed.error().cure().empty());
  }
  if (accept) GTEST_SKIP() << "the expected texts were written anew";
}

}  // namespace
}  // namespace kiln
