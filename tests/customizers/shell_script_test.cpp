// How inline elements and fetched scripts become the text that runs.
#include <vector>

#include <gtest/gtest.h>

#include "customizers/shell/script.h"

namespace kiln {
namespace {

struct Golden {
  const char* name;
  std::vector<std::string> lines;
  const char* script;
};

std::ostream& operator<<(std::ostream& out, const Golden& golden) {
  return out << golden.name;
}

class JoinInline : public ::testing::TestWithParam<Golden> {};

TEST_P(JoinInline, GivesTheServicesScript) {
  EXPECT_EQ(join_inline(GetParam().lines), GetParam().script);
}

INSTANTIATE_TEST_SUITE_P(
    Shell,
    JoinInline,
    ::testing::Values(
        Golden{"OneLine", {"echo a"}, "#!/bin/sh -e\necho a\n"},
        Golden{"SeveralLines", {"cd /tmp", "echo a"}, "#!/bin/sh -e\ncd /tmp\necho a\n"},
        Golden{"OwnShebang", {"#!/bin/bash -x", "echo a"}, "#!/bin/bash -x\necho a\n"},
        Golden{"ShebangOnlyCountsFirst",
               {"echo a", "#!/bin/bash"},
               "#!/bin/sh -e\necho a\n#!/bin/bash\n"},
        Golden{"ShebangMustBeAtTheStart", {" #!/bin/bash"}, "#!/bin/sh -e\n #!/bin/bash\n"},
        Golden{"WholeScriptInOneElement",
               {"#!/bin/bash\nset -e\necho a"},
               "#!/bin/bash\nset -e\necho a\n"},
        Golden{"EmptyLines", {"", "echo a", ""}, "#!/bin/sh -e\n\necho a\n\n"},
        Golden{"HereDocument", {"cat <<X", "é ✓", "X"}, "#!/bin/sh -e\ncat <<X\né ✓\nX\n"},
        Golden{"QuotesAndBackslashes",
               {R"(echo "a\tb" '$HOME' `id`)"},
               "#!/bin/sh -e\necho \"a\\tb\" '$HOME' `id`\n"}),
    [](const auto& test) { return test.param.name; });

TEST(ToUnixLines, ConvertsLikePackersUpload) {
  EXPECT_EQ(to_unix_lines("a\r\nb\r\n"), "a\nb\n");
  EXPECT_EQ(to_unix_lines("a\nb\n"), "a\nb\n");
  EXPECT_EQ(to_unix_lines("a"), "a\n");
  EXPECT_EQ(to_unix_lines("a\r"), "a\n");
  EXPECT_EQ(to_unix_lines(""), "");
  EXPECT_EQ(to_unix_lines("\r\n\r\n"), "\n\n");
  // A carriage return inside of a line is the script's own.
  EXPECT_EQ(to_unix_lines("a\rb\r\r\n"), "a\rb\r\n");
}

}  // namespace
}  // namespace kiln
